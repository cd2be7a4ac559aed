//! The settings that the compiler of `python.cwasm` and the service must agree on. wasm/build includes
//! this file too: wasmtime refuses a module that was compiled under others.

use wasmtime::{Config, WasmFeatures};

/// Bytes of stack for WebAssembly frames.
const MAX_WASM_STACK: usize = 4 << 20;

/// Bytes of a fiber's stack: WebAssembly frames and the host calls at their end. Were the difference
/// too small, a guest that recurses deeply and then calls the host would end the whole process.
pub const ASYNC_STACK: usize = MAX_WASM_STACK + (1 << 20);

/// Address space for each linear memory: all that a 32-bit address can reach, so that compiled code
/// needs no bounds checks. Only what is used takes memory.
pub const MEMORY_RESERVATION: u64 = 4 << 30;

/// Address space behind each linear memory that nothing may touch, for the offsets of instructions.
pub const MEMORY_GUARD: u64 = 32 << 20;

/// What of WebAssembly the guest uses.
const WASM_FEATURES: WasmFeatures = WasmFeatures::WASM1
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::SIMD);

/// An engine configuration that fits `python.cwasm`.
pub fn module_config() -> Config {
    let mut config = Config::new();
    // Cancellation, fairness and the CPU limit hang on the epoch.
    config.epoch_interruption(true);
    config.max_wasm_stack(MAX_WASM_STACK);
    config.async_stack_size(ASYNC_STACK);
    config.memory_reservation(MEMORY_RESERVATION);
    config.memory_guard_size(MEMORY_GUARD);
    // Just what clang makes of C. The default depends on which features of wasmtime are built in,
    // and those differ between the build and the service.
    config.wasm_features(WasmFeatures::all(), false);
    config.wasm_features(WASM_FEATURES, true);
    config.gc_support(false);
    // Nobody looks at a guest's machine frames: a smaller file and cheaper traps.
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config.wasm_backtrace_max_frames(None);
    config
}
