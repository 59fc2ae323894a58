//! The counter-based generator: known answers, comparison with the reference, and tiling.

mod reference;

use tokenbed_core::rng::{stream, Draws, Tiles};

/// The known answers of Philox4x32-10 published with the generator (Random123, kat_vectors).
#[test]
fn known_answers() {
    let cases = [
        (
            Draws {
                seed: 0,
                stream: 0,
                call: 0,
            },
            0,
            [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
        ),
        (
            Draws {
                seed: u64::MAX,
                stream: u32::MAX,
                call: u32::MAX,
            },
            u64::MAX,
            [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
        ),
        (
            Draws {
                seed: 0x299f31d0_a4093822,
                stream: 0x03707344,
                call: 0x13198a2e,
            },
            0x85a308d3_243f6a88,
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ];
    for (draws, block, words) in cases {
        assert_eq!(draws.block(block), words);
        assert_eq!(
            reference::rng::block(draws.seed, draws.stream, draws.call, block),
            words
        );
    }
}

#[test]
fn blocks_equal_single_blocks() {
    for first in [0, 1, 7, (1 << 32) - 9, u64::from(u32::MAX), (1 << 40) + 3] {
        for (seed, stream, call) in [
            (0, stream::TOKEN, 0),
            (7, stream::POSITION, 0),
            (u64::MAX - 5, stream::DROPOUT, 9),
        ] {
            let draws = Draws { seed, stream, call };
            let words = draws.blocks::<19>(first);
            for (k, index) in (first..first + 19).enumerate() {
                let block = words.map(|word| word[k]);
                assert_eq!(
                    block,
                    reference::rng::block(seed, stream, call, index),
                    "block {index}"
                );
            }
        }
    }
}

#[test]
fn seed_stream_call_and_block_change_the_words() {
    let draws = Draws {
        seed: 1,
        stream: 1,
        call: 1,
    };
    let one = draws.block(1);
    assert_ne!(one, draws.block(2));
    assert_ne!(one, draws.block(1 + (1 << 32)));
    assert_ne!(one, Draws { seed: 2, ..draws }.block(1));
    assert_ne!(
        one,
        Draws {
            seed: 1 + (1 << 32),
            ..draws
        }
        .block(1)
    );
    assert_ne!(one, Draws { stream: 2, ..draws }.block(1));
    assert_ne!(one, Draws { call: 2, ..draws }.block(1));
}

#[test]
fn tiles_cover_every_element_once() {
    for first in [0, 1, 7, 8, 9, (1 << 32) - 3] {
        for len in 0..40 {
            let mut elements = Vec::new();
            for tile in Tiles::<8>::new(first, len) {
                assert_eq!(tile.start % 8, 0);
                assert!(tile.inside.end <= 8);
                assert_eq!(tile.inside.len(), tile.outside.len());
                assert_eq!(tile.outside.start, elements.len());
                elements.extend(tile.inside.map(|k| tile.start + k as u64));
            }
            assert!(
                elements.iter().copied().eq(first..first + len as u64),
                "{len} from {first}"
            );
        }
    }
}
