// What an API key lets its holder do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn::access {

enum class Scope : uint8_t {
  read,    // retrieve and list sessions; without `write` an unknown id creates none
  write,   // create sessions, associate identities, change attributes
  end,     // end sessions
  events,  // read the event log
  admin,   // the admin listener
};

std::string_view name_of(Scope scope);  // "read", ...
std::optional<Scope> scope_named(std::string_view name);

// "read, write, end, events and admin", for sentences that say what would be right.
std::string all_scope_names();

// A set of scopes. A value.
class Scopes {
 public:
  constexpr void add(Scope scope) { bits_ = static_cast<uint8_t>(bits_ | bit(scope)); }
  constexpr bool has(Scope scope) const { return (bits_ & bit(scope)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

  friend bool operator==(const Scopes&, const Scopes&) = default;

 private:
  static constexpr uint8_t bit(Scope scope) {
    return static_cast<uint8_t>(1U << static_cast<unsigned>(scope));
  }

  uint8_t bits_ = 0;
};

}  // namespace sojourn::access
