//! What is computed: one file per operation.
//!
//! The entry of an operation checks the shapes of its arguments (a wrong one is a bug of the caller, so it panics),
//! turns its [`Isa`](crate::simd::Isa) into a proof and its tables into rows, and runs one generic body, which names no
//! instruction set and no dtype. Bodies are of two kinds: those over [`Row`](crate::row::Row) and
//! [`Simd`](crate::simd::Simd), and those over plain arrays (`dropout`, `init`, `sinusoid`), which the compiler
//! vectorizes inside `dispatch!`.

mod bag;
mod bag_backward;
mod dropout;
mod embed;
mod gather;
mod gradient;
mod init;
mod lookup;
pub mod loss;
mod mean_pool;
pub mod nearest;
mod optimizer;
mod position;
mod rotary;
mod rows;
mod sampler;
mod score;
mod sinusoid;
mod store;
mod tile;

pub use bag::{bag, bag_extend, bag_finish, Bag, BagState, Bags, Kept, Mode};
pub use bag_backward::{
    add_bags, add_maxima, divide, finish_weights, repeat_counts, BagFactors, BagSlots, Maxima, BAG_COLS,
};
pub use dropout::{dropout, Dropout};
pub use embed::{embed, Embed};
pub use gather::{gather, read};
pub use gradient::{add_rows, Factor, Slot, Sums};
pub use init::{init_normal, init_uniform};
pub use loss::{binary_cross_entropy, squared_error};
pub use mean_pool::{normalize, normalize_parts, Norm, Pool, Tokens};
pub use nearest::{extend_dot, is_narrow, nearest, norm, norms, score, similarity, Best, SIMILAR_ROWS};
pub use optimizer::{add_squares, renorm, scale_values, Rule, Step};
pub(crate) use optimizer::{update_row, DECAYED};
pub use position::{add_positions, PositionRows, Positions, Source};
pub use rotary::{rotate, rotate_part, rotate_parts, Rotary};
pub use sampler::{sample, Sampler};
pub use score::{add_scored, score_rows, Scored};
pub use sinusoid::{sinusoid_at, sinusoid_rows, Layout, Sinusoid};
pub use store::{store, store_zeros, Misfit};
