#include "pipeline.h"

#include <algorithm>

#include "resp.h"

namespace sojourn::redis {

void Pipeline::add(RequestPtr request) {
  request->sent = false;
  unsent_.push_back(std::move(request));
}

bool Pipeline::write(std::string& out, size_t most, SteadyTime now) {
  if (lane_ == Lane::replicated && !in_flight_.empty()) return false;
  const size_t begin = out.size();
  size_t replicas = 0;
  while (!unsent_.empty() && out.size() - begin < most) {
    RequestPtr request = std::move(unsent_.front());
    unsent_.pop_front();
    if (request->is_done()) continue;
    if (request->asking) {
      const std::string_view arguments[] = {"ASKING"};
      out += encoded(arguments);
      in_flight_.push_back({Kind::asking, nullptr, now});
      request->asking = false;
    }
    out += request->command.bytes;
    request->sent = true;
    replicas = std::max(replicas, request->command.replicas);
    in_flight_.push_back({Kind::command, std::move(request), now});
  }
  if (lane_ == Lane::replicated && out.size() > begin) {
    const std::string count = std::to_string(replicas);
    const std::string timeout = std::to_string(wait_timeout_.count());
    const std::string_view arguments[] = {"WAIT", count, timeout};
    out += encoded(arguments);
    in_flight_.push_back({Kind::wait, nullptr, now});
  }
  return out.size() > begin;
}

bool Pipeline::on_reply(Reply reply, SteadyTime now, std::vector<Completed>& completed) {
  if (in_flight_.empty()) return false;
  Entry entry = std::move(in_flight_.front());
  in_flight_.pop_front();
  // What waits behind it was held up by it: its own time begins now.
  if (!in_flight_.empty()) in_flight_.front().written = now;
  switch (entry.kind) {
    case Kind::asking:
      break;
    case Kind::command:
      if (lane_ == Lane::plain || reply.is_error()) {
        entry.request->sent = false;
        completed.push_back({std::move(entry.request), std::move(reply)});
      } else {
        acknowledging_.push_back({std::move(entry.request), std::move(reply)});
      }
      break;
    case Kind::wait:
      // An error (no permission for WAIT, a replica) is no acknowledgement.
      for (Completed& one : acknowledging_) {
        one.request->sent = false;
        one.replicas = static_cast<size_t>(std::max<int64_t>(reply.integer, 0));
        completed.push_back(std::move(one));
      }
      acknowledging_.clear();
      break;
  }
  return true;
}

Pipeline::Lost Pipeline::on_lost() {
  Lost lost;
  for (Entry& entry : in_flight_) {
    if (entry.kind != Kind::command) continue;
    entry.request->sent = false;
    lost.sent.push_back(std::move(entry.request));
  }
  lost.unsent.assign(unsent_.begin(), unsent_.end());
  for (Completed& one : acknowledging_) one.request->sent = false;
  lost.completed = std::move(acknowledging_);
  in_flight_.clear();
  unsent_.clear();
  acknowledging_.clear();
  return lost;
}

std::optional<SteadyTime> Pipeline::waiting_since() const {
  if (in_flight_.empty()) return std::nullopt;
  return in_flight_.front().written;
}

}  // namespace sojourn::redis
