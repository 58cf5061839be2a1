#include "plan/cpu/evc_mode.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>

namespace drover::plan {

namespace {

struct Generation {
    std::string_view key;
    std::string_view label;
    std::string_view model;
    std::initializer_list<std::string_view> added;
};

constexpr std::initializer_list<std::string_view> kFirst64Bit = {
    "apic", "clflush", "cmov", "cx8",  "de",   "fpu",     "fxsr", "lm",  "mca",
    "mce",  "mmx",     "msr",  "mtrr", "nx",   "pae",     "pat",  "pge", "pni",
    "pse",  "pse36",   "sep",  "sse",  "sse2", "syscall", "tsc"};

// Each line names what its generation brought. The sources are the vendors' manuals and the CPU
// models of QEMU and libvirt, which are compiled from them.
const std::initializer_list<Generation> kIntel = {
    {"intel-merom", "Intel \"Merom\" Generation (Xeon Core 2)", "Conroe", {"lahf_lm", "ssse3"}},
    {"intel-penryn",
     "Intel \"Penryn\" Generation (Xeon 45nm Core 2)",
     "Penryn",
     {"cx16", "sse4.1"}},
    {"intel-nehalem",
     "Intel \"Nehalem\" Generation (Xeon Core i7)",
     "Nehalem",
     {"popcnt", "sse4.2"}},
    {"intel-westmere",
     "Intel \"Westmere\" Generation (Xeon 32nm Core i7)",
     "Westmere",
     {"aes", "pclmuldq"}},
    {"intel-sandybridge",
     "Intel \"Sandy Bridge\" Generation",
     "SandyBridge",
     {"avx", "rdtscp", "xsave", "xsaveopt"}},
    {"intel-ivybridge",
     "Intel \"Ivy Bridge\" Generation",
     "IvyBridge",
     {"erms", "f16c", "fsgsbase", "rdrand", "smep"}},
    {"intel-haswell",
     "Intel \"Haswell\" Generation",
     "Haswell-noTSX",
     {"abm", "avx2", "bmi1", "bmi2", "fma", "invpcid", "movbe", "pcid"}},
    {"intel-broadwell",
     "Intel \"Broadwell\" Generation",
     "Broadwell-noTSX",
     {"3dnowprefetch", "adx", "rdseed", "smap"}},
    {"intel-skylake",
     "Intel \"Skylake\" Generation",
     "Skylake-Server-noTSX-IBRS",
     {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl", "clflushopt", "clwb", "pdpe1gb",
      "pku", "xgetbv1", "xsavec"}},
    {"intel-cascadelake",
     "Intel \"Cascade Lake\" Generation",
     "Cascadelake-Server-noTSX",
     {"avx512vnni"}},
    {"intel-icelake",
     "Intel \"Ice Lake\" Generation",
     "Icelake-Server-noTSX",
     {"avx512-vpopcntdq", "avx512bitalg", "avx512ifma", "avx512vbmi", "avx512vbmi2", "fsrm", "gfni",
      "rdpid", "sha-ni", "umip", "vaes", "vpclmulqdq"}},
    {"intel-sapphirerapids",
     "Intel \"Sapphire Rapids\" Generation",
     "SapphireRapids",
     {"amx-bf16", "amx-int8", "amx-tile", "avx-vnni", "avx512-bf16", "avx512-fp16", "cldemote",
      "movdir64b", "movdiri", "serialize", "waitpkg"}},
};

const std::initializer_list<Generation> kAmd = {
    {"amd-rev-e", "AMD Opteron Generation 1", "Opteron_G1", {}},
    {"amd-rev-f", "AMD Opteron Generation 2", "Opteron_G2", {"cx16", "lahf_lm", "rdtscp"}},
    {"amd-greyhound-no3dnow",
     "AMD Opteron Generation 3 (no 3DNow!)",
     "Opteron_G3",
     {"abm", "cr8legacy", "misalignsse", "mmxext", "pdpe1gb", "popcnt", "sse4a"}},
    {"amd-bulldozer",
     "AMD Opteron Generation 4",
     "Opteron_G4",
     {"3dnowprefetch", "aes", "avx", "pclmuldq", "sse4.1", "sse4.2", "ssse3", "xsave"}},
    {"amd-piledriver",
     "AMD Opteron \"Piledriver\" Generation",
     "Opteron_G5",
     {"bmi1", "f16c", "fma"}},
    {"amd-steamroller",
     "AMD Opteron \"Steamroller\" Generation",
     "Opteron_G5",
     {"fsgsbase", "xsaveopt"}},
    {"amd-zen",
     "AMD \"Zen\" Generation",
     "EPYC",
     {"adx", "avx2", "bmi2", "clflushopt", "movbe", "rdrand", "rdseed", "sha-ni", "smap", "smep",
      "xgetbv1", "xsavec"}},
    {"amd-zen2",
     "AMD \"Zen 2\" Generation",
     "EPYC-Rome",
     {"clwb", "clzero", "rdpid", "umip", "wbnoinvd", "xsaveerptr"}},
    {"amd-zen3",
     "AMD \"Zen 3\" Generation",
     "EPYC-Milan",
     {"erms", "fsrm", "invpcid", "pcid", "pku", "vaes", "vpclmulqdq"}},
    {"amd-zen4",
     "AMD \"Zen 4\" Generation",
     "EPYC-Genoa",
     {"avx512-bf16", "avx512-vpopcntdq", "avx512bitalg", "avx512bw", "avx512cd", "avx512dq",
      "avx512f", "avx512ifma", "avx512vbmi", "avx512vbmi2", "avx512vl", "avx512vnni", "gfni"}},
};

void append(std::vector<EvcMode>& modes, CpuVendor vendor,
            std::initializer_list<Generation> generations) {
    FeatureSet features(kFirst64Bit);
    std::int32_t tier = 0;
    for (const Generation& generation : generations) {
        features = features.together_with(FeatureSet(generation.added));
        modes.push_back(
            {generation.key, generation.label, vendor, tier++, generation.model, features});
    }
}

}  // namespace

std::string_view text_of(CpuVendor vendor) {
    switch (vendor) {
        case CpuVendor::intel:
            return "intel";
        case CpuVendor::amd:
            return "amd";
        case CpuVendor::unknown:
            break;
    }
    return "unknown";
}

CpuVendor cpu_vendor(std::string_view name) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), [](unsigned char letter) {
        return static_cast<char>(std::tolower(letter));
    });
    if (lower.contains("intel")) return CpuVendor::intel;
    if (lower.contains("amd")) return CpuVendor::amd;
    return CpuVendor::unknown;
}

const std::vector<EvcMode>& evc_modes() {
    static const std::vector<EvcMode> modes = [] {
        std::vector<EvcMode> made;
        append(made, CpuVendor::intel, kIntel);
        append(made, CpuVendor::amd, kAmd);
        return made;
    }();
    return modes;
}

const EvcMode* find_evc_mode(std::string_view key) {
    const auto& modes = evc_modes();
    const auto found = std::ranges::find(modes, key, &EvcMode::key);
    return found == modes.end() ? nullptr : &*found;
}

const EvcMode* newest_evc_mode(const Cpu& cpu) {
    const EvcMode* newest = nullptr;
    for (const EvcMode& mode : evc_modes()) {
        if (mode.vendor == cpu.vendor && cpu.features.includes(mode.features)) newest = &mode;
    }
    return newest;
}

const EvcMode* oldest_evc_mode_with(CpuVendor vendor, const FeatureSet& features) {
    FeatureSet named;
    for (const EvcMode& mode : evc_modes()) {
        if (mode.vendor == vendor) named = mode.features;  // the newest has them all
    }
    const FeatureSet wanted = features.common_with(named);
    for (const EvcMode& mode : evc_modes()) {
        if (mode.vendor == vendor && mode.features.includes(wanted)) return &mode;
    }
    return nullptr;
}

}  // namespace drover::plan
