#include "settings/secret_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace pgrest::settings {

namespace {

constexpr const char* secret_name = "jwt_secret";

// The content, or why there is none.
struct Content {
    std::string text;
    std::string problem;
};

// One trailing line feed is the editor's and no part of the secret.
Content content_of(const std::string& path) {
    constexpr std::size_t largest = 64 * 1024;
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return {{}, "could not open the file \"" + path + "\": " + std::strerror(errno)};
    std::string text(largest + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return {{}, "could not read the file \"" + path + "\""};
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > largest) return {{}, "the file \"" + path + "\" is too large"};
    if (text.ends_with('\n')) text.pop_back();
    if (text.empty()) return {{}, "the file \"" + path + "\" is empty"};
    return {std::move(text), {}};
}

}  // namespace

std::optional<std::string> secret_file(const config::Settings& settings) {
    const auto secret = settings.find(secret_name);
    if (secret == settings.end() || !secret->second.starts_with('@')) return {};
    return secret->second.substr(1);
}

std::optional<config::Problem> read_secret_file(config::Settings& settings) {
    const auto path = secret_file(settings);
    if (!path) return {};
    Content content = content_of(*path);
    if (!content.problem.empty()) return config::Problem{"pgrest.jwt_secret", content.problem};
    settings[secret_name] = std::move(content.text);
    return {};
}

FileStamp look_at(const std::string& path) {
    struct stat found = {};
    if (stat(path.c_str(), &found) != 0) return {};
    return {found.st_dev, found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

}  // namespace pgrest::settings
