#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dialdeck_fuzz::list(bytes));
