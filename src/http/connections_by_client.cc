#include "connections_by_client.h"

namespace sojourn::http {

bool ConnectionsByClient::take(const IpAddress& client, size_t most) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(client.limit_key());
  const size_t open = found == open_.end() ? 0 : found->second;
  if (most != 0 && open >= most) return false;
  if (found == open_.end()) {
    open_.emplace(client.limit_key(), 1);
  } else {
    ++found->second;
  }
  return true;
}

void ConnectionsByClient::give_back(const IpAddress& client) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(client.limit_key());
  if (--found->second == 0) open_.erase(found);
}

size_t ConnectionsByClient::clients() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace sojourn::http
