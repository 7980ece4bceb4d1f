// sojourn key new: makes an API key.
#pragma once

#include <string>
#include <vector>

namespace sojourn::app {

struct NewKeyArguments {
  std::string name;
  std::vector<std::string> tenants;  // "*" alone: all
  std::vector<std::string> scopes;
  std::string expires;  // empty: never
  std::string file;     // the key file to add it to; empty: none
};

// Prints the key, which is kept nowhere, as the first line of standard output; then the line for
// the key file, unless it was added to one. What each is goes to standard error, so that a script
// can take the key: key=$(sojourn key new ... --file keys.toml). The exit code.
int new_key(const NewKeyArguments& arguments);

}  // namespace sojourn::app
