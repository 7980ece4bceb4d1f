#include "redis/command.h"

#include "resp.h"

namespace sojourn::redis {

Command::Command(uint16_t of_keys, std::span<const std::string_view> arguments)
    : slot(of_keys), bytes(encoded(arguments)) {}

Command::Command(uint16_t of_keys, std::initializer_list<std::string_view> arguments)
    : Command(of_keys, std::span(arguments.begin(), arguments.size())) {}

}  // namespace sojourn::redis
