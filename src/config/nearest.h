// Which known name a misspelt one means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sojourn::config {

// Letters to insert, remove or replace to make `b` of `a`.
size_t edit_distance(std::string_view a, std::string_view b);

// The first of `names` with the smallest distance to `name`, if that is at most `most`; else empty.
std::string_view nearest(std::string_view name, const std::vector<std::string_view>& names,
                         size_t most);

}  // namespace sojourn::config
