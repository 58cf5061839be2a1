// drover: the command line tool for people and scripts.

#include "cli/app.hpp"

int main(int argc, char** argv) {
    return drover::cli::run(argc, argv);
}
