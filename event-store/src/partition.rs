//! Which partition of its topic a stream's events go to.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The partition of the stream `id` in a topic of `partitions`: the first eight bytes of the
/// SHA-256 of the id, modulo the count. It never changes, since consumers rely on a stream's
/// events standing in one partition.
pub fn partition_of(id: Uuid, partitions: u32) -> u32 {
    let digest = Sha256::digest(id.as_bytes());
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    // The remainder is below a u32.
    (u64::from_be_bytes(head) % u64::from(partitions.max(1))) as u32
}

/// The context of an aggregate type: `hotels` of `hotels.reservation`.
pub fn context_of(aggregate_type: &str) -> &str {
    aggregate_type
        .split_once('.')
        .map_or(aggregate_type, |(context, _)| context)
}
