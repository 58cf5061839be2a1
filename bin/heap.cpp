// How the daemons' allocator behaves. Without these words jemalloc has an arena for every four
// threads, and gives memory back when the program happens to allocate.
//
// Few arenas: threads of blocking queues allocate what the strand frees much later, and each arena
// would keep its own holes. Two are enough for two network threads. What was free for a second goes
// back to the kernel: an answer with the properties of thousands of machines leaves no trace.

extern "C" {
// Read by the allocator before main.
__attribute__((visibility("default"))) extern const char* const malloc_conf =
    "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";
}
