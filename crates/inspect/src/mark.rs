//! How a file looked, in 128 bits: what was found out of it holds as long as it looks so.

use sys::Look;

/// What tells one content of a file from another.
pub(crate) fn looks(look: &Look) -> [u8; 16] {
    let Look { size, mtime, ctime, inode, device, .. } = look;
    let numbers = [*size, mtime.0 as u64, mtime.1.into(), ctime.0 as u64, ctime.1.into(), *inode, *device];
    short(&[numbers.map(u64::to_le_bytes).as_flattened()])
}

/// 128 bits of BLAKE3. All parts but the last have a length that the first ones tell.
pub(crate) fn short(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}
