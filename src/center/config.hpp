#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace drover::center {

/// What drover-centerd is told at its start. Everything else lives in its store.
struct Config {
    std::filesystem::path state_directory;   ///< absolute; store, history, TLS identity, logs
    std::string name;                        ///< how people call it: "center.example.org"
    std::string management_address;          ///< numeric; where clients and hosts reach it
    std::string listen_address = "0.0.0.0";  ///< numeric
    std::uint16_t listen_port = 443;         ///< 0: any free one
    std::filesystem::path web_directory;     ///< the built web client; empty: beside the program
    /// How much of the past is kept: events and tasks that are neither older nor too many.
    std::uint32_t history_days = 30;
    std::uint32_t history_events = 1'000'000;
    std::uint32_t history_tasks = 100'000;
};

/// Reads the JSON file. Throws std::runtime_error that names the file, the field and the reason.
/// Unknown fields are errors: a misspelt one must not be silently without effect.
Config load_config(const std::filesystem::path& file);

/// The same from text; `source` stands in messages.
Config parse_config(const std::string& text, const std::string& source);

}  // namespace drover::center
