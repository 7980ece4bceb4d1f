// Writes the options as a configuration file.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/config.h"
#include "config/units.h"
#include "settings.h"

namespace sojourn::config {
namespace {

// Lines of one [section], in the order of the table of options.
struct Section {
  std::string name;
  std::string lines;
};

Section& section_of(std::vector<Section>& sections, const std::string& name) {
  const auto known = std::ranges::find(sections, name, &Section::name);
  if (known != sections.end()) return *known;
  return sections.emplace_back(name, "");
}

std::string line(const Setting& setting, const std::string& name, const Options& options,
                 const Options& defaults) {
  const auto value = setting.binding.show(options);
  if (!value) {
    const bool in_words = !setting.default_value.empty();
    return fmt::format("# {} is not set{}\n", name,
                       in_words ? ": " + setting.default_value : std::string());
  }
  const bool is_default = setting.binding.same(options, defaults);
  return fmt::format("{} = {}{}\n", name, *value, is_default ? "  # default" : "");
}

}  // namespace

std::string show(const Options& options) {
  const Options defaults;
  std::vector<Section> sections;
  for (const Setting& setting : settings()) {
    const size_t dot = setting.key.rfind('.');
    section_of(sections, setting.key.substr(0, dot)).lines +=
        line(setting, setting.key.substr(dot + 1), options, defaults);
  }
  for (const auto& [tenant, policy] : options.tenants.policies) {
    std::string& lines =
        section_of(sections, fmt::format("tenants.policy.{}", toml_string(tenant.text()))).lines;
    for (const auto& [name, binding] : policy_settings()) {
      lines += fmt::format("{} = {}\n", name, binding.show(policy).value_or("\"\""));
    }
  }
  std::string text;
  for (const Section& section : sections) {
    text += fmt::format("{}[{}]\n{}", text.empty() ? "" : "\n", section.name, section.lines);
  }
  return text;
}

}  // namespace sojourn::config
