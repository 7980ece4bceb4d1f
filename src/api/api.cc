#include "api/api.h"

#include "api/error_table.h"
#include "http/router.h"
#include "routes.h"

namespace sojourn::api {

std::unique_ptr<http::Service> make_service(Api& api) {
  return std::make_unique<http::Router>(api.options.base_paths, routes(api), write_error);
}

}  // namespace sojourn::api
