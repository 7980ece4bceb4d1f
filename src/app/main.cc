// sojourn: a session server. What it can do is in commands.h.
#include "app/commands.h"

int main(int argc, char** argv) { return sojourn::app::run(argc, argv); }
