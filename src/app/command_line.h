// The subcommands, by what they are about: each function adds some to the command line.
#pragma once

#include <functional>

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace sojourn::app {

// Exit codes beside 0.
inline constexpr int kFailed = 1;          // the reason is on standard error
inline constexpr int kWrongArguments = 2;  // or wrong options
inline constexpr int kDidNotFinish = 74;   // EX_IOERR: a disk did not answer, see end_limit.h

// What the arguments ask for, once they are read: it returns the exit code.
using Command = std::function<int()>;

// For an argument that is a path: refuses the empty text, which most often is a variable of a
// script that is not set, and would mean "none" here.
CLI::Validator names_a_path();

// `chosen` is set when one of them is asked for; both outlive the reading of the arguments.
void add_serve_command(CLI::App& app, Command& chosen);    // serve
void add_config_commands(CLI::App& app, Command& chosen);  // config check, config show
void add_data_commands(CLI::App& app, Command& chosen);    // check, backup...
void add_key_commands(CLI::App& app, Command& chosen);     // key new

}  // namespace sojourn::app
