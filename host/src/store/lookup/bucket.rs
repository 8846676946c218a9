//! Entries side by side in a run or, sorted, in a bucket.

/// A hash, and the number of a contact.
pub(in crate::store) type Entry = (u64, u64);

/// Bytes of an entry.
const LENGTH: usize = 16;

pub(super) fn written(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * LENGTH);
    for (hash, contact) in entries {
        bytes.extend_from_slice(&hash.to_be_bytes());
        bytes.extend_from_slice(&contact.to_be_bytes());
    }
    bytes
}

pub(in crate::store) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let half = |bytes: &[u8]| bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    bytes.chunks_exact(LENGTH).map(move |entry| (half(&entry[..8]), half(&entry[8..])))
}

/// The contacts under `hash` in a bucket.
pub(super) fn search(bytes: &[u8], hash: u64) -> impl Iterator<Item = u64> {
    let wanted = hash.to_be_bytes();
    let (mut low, mut high) = (0, bytes.len() / LENGTH);
    while low < high {
        let middle = usize::midpoint(low, high);
        if bytes[middle * LENGTH..middle * LENGTH + 8] < wanted[..] {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    entries(&bytes[low * LENGTH..]).take_while(move |entry| entry.0 == hash).map(|entry| entry.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_every_contact_under_a_hash() {
        let bytes = written(&[(1, 5), (3, 1), (3, 2), (3, 9), (8, 1)]);
        assert_eq!(search(&bytes, 3).collect::<Vec<_>>(), [1, 2, 9]);
        assert_eq!(search(&bytes, 4).collect::<Vec<_>>(), [0u64; 0]);
        assert_eq!(search(&[], 4).count(), 0);
        assert_eq!(entries(&bytes).count(), 5);
    }
}
