#include "new_key.h"

#include <fmt/format.h>

#include <chrono>
#include <expected>

#include "access/key_file.h"
#include "console.h"
#include "system_entropy.h"

namespace sojourn::app {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongArguments = 2;

// The entry of the key but for its hash, or what is wrong with an argument.
std::expected<access::ApiKey, std::string> entry_of(const NewKeyArguments& arguments) {
  if (!access::is_key_name(arguments.name)) {
    return std::unexpected(fmt::format("--name: 1 to {} letters, digits, '_' and '-' are wanted",
                                       access::kMaxKeyNameBytes));
  }
  access::ApiKey key{.name = arguments.name};
  if (arguments.tenants != std::vector<std::string>{"*"}) {
    key.tenants.emplace();
    for (const std::string& text : arguments.tenants) {
      auto tenant = domain::TenantId::parse(text);
      if (!tenant || text == "*") {
        return std::unexpected(
            "--tenants: tenants with commas between them are wanted, or '*' alone for all; a "
            "tenant is 1 to 128 bytes of UTF-8 without control characters");
      }
      key.tenants->insert(*std::move(tenant));
    }
  }
  for (const std::string& name : arguments.scopes) {
    const auto scope = access::scope_named(name);
    if (!scope) {
      return std::unexpected(fmt::format("--scopes: some of {} with commas between them are wanted",
                                         access::all_scope_names()));
    }
    key.scopes.add(*scope);
  }
  if (!arguments.expires.empty()) {
    const auto expires = access::parse_expiry(arguments.expires);
    if (!expires) return std::unexpected("--expires: " + expires.error());
    if (*expires <= std::chrono::system_clock::now()) {
      return std::unexpected("--expires: this moment has passed; a later one is wanted");
    }
    key.expires = *expires;
  }
  return key;
}

int fail(int code, std::string_view why) {
  complain(why);
  return code;
}

// What goes to standard error and to standard output comes in this order on a terminal.
bool print(std::string_view what_it_is, std::string_view text) {
  note(what_it_is);
  say(text);
  return results_are_out();
}

}  // namespace

int new_key(const NewKeyArguments& arguments) {
  auto entry = entry_of(arguments);
  if (!entry) return fail(kWrongArguments, entry.error());
  SystemEntropy entropy;
  const std::string secret = access::make_key(entropy);
  entry->sha256 = access::KeyHasher()(secret);

  if (!arguments.file.empty()) {
    if (const auto added = access::append_to_key_file(arguments.file, *entry); !added) {
      return fail(kFailed, added.error());
    }
  }
  bool printed = print("The key, which is shown this once; give it to its caller:", secret + "\n");
  if (arguments.file.empty()) {
    printed = print("The line for the key file (security.key_file); then send SIGHUP:",
                    access::key_line(*entry)) &&
              printed;
  } else {
    note(fmt::format("Its line is in {}; send SIGHUP to the server.", arguments.file));
  }
  if (printed) return 0;
  return fail(kFailed,
              fmt::format("the key could not be printed, so nobody has it{}",
                          arguments.file.empty() ? "" : "; remove its line from the file"));
}

}  // namespace sojourn::app
