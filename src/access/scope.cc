#include "access/scope.h"

#include <array>

namespace sojourn::access {
namespace {

constexpr std::array kAll = {Scope::read, Scope::write, Scope::end, Scope::events, Scope::admin};

}  // namespace

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::read:
      return "read";
    case Scope::write:
      return "write";
    case Scope::end:
      return "end";
    case Scope::events:
      return "events";
    case Scope::admin:
      return "admin";
  }
  return "";
}

std::optional<Scope> scope_named(std::string_view name) {
  for (const Scope scope : kAll) {
    if (name_of(scope) == name) return scope;
  }
  return std::nullopt;
}

std::string all_scope_names() {
  std::string names;
  for (const Scope scope : kAll) {
    if (!names.empty()) names.append(scope == kAll.back() ? " and " : ", ");
    names.append(name_of(scope));
  }
  return names;
}

}  // namespace sojourn::access
