//! SHA-256 of files, by the crate sha2.

use crate::environment::Environment;
use crate::status::Failure;
use sha2::Digest;

/// A hash of the bytes so far.
pub use sha2::Sha256;

/// Adds bytes.
pub fn push(hash: &mut Sha256, bytes: &[u8]) {
    hash.update(bytes);
}

/// The hash of all bytes, as 64 hexadecimal digits. The next bytes begin another one.
pub fn end(hash: &mut Sha256) -> String {
    let digits = b"0123456789abcdef";
    let digit = |nibble: u8| digits[usize::from(nibble)] as char;
    let bytes = hash.finalize_reset();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

impl Environment {
    /// Starts a hash. Returns its handle.
    pub fn sha256_create(&mut self) -> Result<f64, Failure> {
        self.keep_hash(Sha256::new())
    }

    /// Adds bytes.
    pub fn sha256_push(&mut self, hash: f64, bytes: &[u8]) -> Result<(), Failure> {
        push(self.hash(hash)?, bytes);
        Ok(())
    }

    /// The hash of all bytes, as 64 hexadecimal digits. The next bytes begin another one.
    pub fn sha256_end(&mut self, hash: f64) -> Result<String, Failure> {
        Ok(end(self.hash(hash)?))
    }
}
