// The Lua scripts that run inside the Redis servers: src/redis/scripts/*.lua, part of the binary.
#pragma once

#include <string>
#include <string_view>

namespace sojourn::redis {

// What running a script does, which says how it may be sent.
enum class Effect {
  read,       // nothing: it may be sent again
  write,      // running it twice is running it once: it may be sent again
  write_once  // a lost answer leaves it open whether it ran
};

struct Script {
  std::string_view name;
  std::string source;
  std::string sha;  // of the source, in hexadecimal, as EVALSHA takes it
  Effect effect;
};

// All of them. Those marked (*) run even when the server is at its memory limit, because they free
// room, or need none, or only look.
struct Scripts {
  Scripts();

  Script abandon;  // (*)
  Script commit;
  Script commit_in_place;  // (*) the same, for changes that need no more room
  Script commit_marked;    // the same as commit; its marker makes it safe to send again
  Script count;            // (*)
  Script ensure;
  Script events;  // (*)
  Script list;    // (*)
  Script mark;
  Script mark_in_place;  // (*)
  Script page;           // (*)
  Script prepare;
  Script presence;
  Script publish;  // (*)
  Script recall;   // (*)
  Script rekey;
  Script rekey_in_place;  // (*)
  Script resolve;         // (*)
  Script scan;            // (*)
  Script settle;          // (*)
  Script trim;            // (*)
};

}  // namespace sojourn::redis
