//! Each kernel of `tokenbed_instructions` on each instruction set that valgrind supports. It does not support AVX-512.

#![allow(missing_docs, reason = "the macros make public items")]

use gungraun::{library_benchmark, library_benchmark_group, main, Callgrind, LibraryBenchmarkConfig};
use tokenbed_core::Isa;
use tokenbed_instructions::Work;

macro_rules! kernels {
    ($($kernel:ident)*) => {
        $(
            #[library_benchmark]
            #[bench::avx2(args = (Isa::Avx2), setup = tokenbed_instructions::$kernel)]
            #[bench::scalar(args = (Isa::Scalar), setup = tokenbed_instructions::$kernel)]
            fn $kernel(work: Work) {
                work();
            }
        )*
        library_benchmark_group!(name = kernels, benchmarks = [$($kernel),*]);
    };
}

kernels! {
    check
    gather gather_narrow
    layer_scale layer_positions layer_scale_positions
    add add_in_place
    bag_sum bag_mean bag_max bag_sum_padding bag_sum_weights
    bag_backward_sum bag_backward_mean_weights bag_backward_max
    score_each score_all score_shared score_backward_x score_backward_rows
    mean_pool mean_pool_mapped mean_pool_precise
    sinusoid_rows sinusoid_at
    rotary_halves rotary_interleaved
    cross_entropy cross_entropy_wide binary_cross_entropy squared_error
    sample
    step_sgd step_momentum step_adagrad step_rowwise_adagrad step_adam
    init_uniform init_normal
    dropout
    gradient_slots gradient_add gradient_by_freq
}

// No cache simulation: it would model another machine, and take most of the time.
main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = kernels
);
