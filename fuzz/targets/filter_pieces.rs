//! Pieces of filters, as they could lie on a damaged card: asked or refused, and never read outside. What is made of
//! tokens holds each of them, and a piece with other bytes in its header is refused or asked within its bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_core::{
    code::claim::ClaimToken,
    filter::{self, HEADER_BYTES, Shape},
};

fuzz_target!(|data: &[u8]| {
    let Some((token, piece)) = data.split_first_chunk::<16>() else { return };
    ask(piece, ClaimToken(*token));
    let tokens: Vec<_> = piece.chunks_exact(16).filter_map(|token| token.first_chunk().copied()).collect();
    let mut made = filter::build(tokens.iter().copied().map(ClaimToken)).expect("few tokens make a piece");
    for token in &tokens {
        assert_eq!(filter::contains(&made, ClaimToken(*token)), Ok(true));
    }
    // Its header as the input says, and its length as before.
    for (byte, new) in made.iter_mut().zip(piece.iter().take(HEADER_BYTES)) {
        *byte ^= new;
    }
    ask(&made, ClaimToken(*token));
});

/// Every place that is asked lies behind the header and within the piece.
fn ask(piece: &[u8], token: ClaimToken) {
    let asked = filter::contains(piece, token);
    let shape = piece.first_chunk().map(|header| Shape::read(header, piece.len() as u64));
    let Some(Ok(shape)) = shape else { return assert!(asked.is_err()) };
    assert!(asked.is_ok());
    if shape.tokens() > 0 {
        for at in shape.probe(token).at {
            assert!(at >= HEADER_BYTES as u64 && at + 2 <= piece.len() as u64);
        }
    }
}
