//! Merkle tree hashing of RFC 6962 section 2.1: leaves, nodes, the compact range, audit paths.

use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// Kept nodes are roots of full subtrees of 256^level leaves; a tile is 256 neighbours of one level.
pub(crate) const TILE_HEIGHT: u32 = 8;
pub(crate) const TILE: u64 = 1 << TILE_HEIGHT;

/// MTH of no entries: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// MTH of one entry: SHA-256(0x00 || entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// MTH of two subtrees: SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The compact range of a tree from its first leaf on: the roots of its full subtrees, one per set bit of its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    size: u64,
    /// Largest subtree first.
    peaks: Vec<Hash>,
}

/// The root of a full subtree: `number` counts the subtrees of this height from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// 2^height leaves.
    pub height: u32,
    /// Its place among those of its height.
    pub number: u64,
    /// Its root.
    pub hash: Hash,
}

impl Range {
    /// How many leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `done` hears of every subtree that became full by it, the leaf itself first.
    pub fn push(&mut self, leaf: Hash, mut done: impl FnMut(Subtree)) {
        let mut hash = leaf;
        done(Subtree { height: 0, number: self.size, hash });
        // Every trailing one bit of the size is a subtree that now gets its right neighbour.
        for height in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
            done(Subtree { height: height + 1, number: self.size >> (height + 1), hash });
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        folded.unwrap_or_else(empty_root)
    }
}

/// Tiles in memory: what a proof or the compact range of a tree of this size is computed from.
#[derive(Debug, Default)]
pub(crate) struct Tiles(pub(crate) HashMap<(u32, u64), Vec<Hash>>);

impl Tiles {
    /// The tiles (level, number) at the right edge of a tree: they hold all its peaks.
    pub(crate) fn edge(size: u64) -> Vec<(u32, u64)> {
        levels(size)
            .filter(|level| !nodes(size, *level).is_multiple_of(TILE))
            .map(|level| (level, nodes(size, level) / TILE))
            .collect()
    }

    /// The tiles that hold the siblings of a leaf's path, but for the right edge.
    pub(crate) fn path(index: u64, size: u64) -> Vec<(u32, u64)> {
        levels(size).map(|level| (level, nodes(index, level) / TILE)).collect()
    }

    /// The compact range, from the edge's tiles; none if one is missing.
    pub(crate) fn range(&self, size: u64) -> Option<Range> {
        let heights = (0..u64::BITS).rev().filter(|height| size >> height & 1 == 1);
        let peaks = heights.map(|height| self.full(height, (size >> height) - 1)).collect::<Option<_>>()?;
        Some(Range { size, peaks })
    }

    /// `PATH(m, D[n])` of RFC 6962 section 2.1.1, from the path's and the edge's tiles.
    pub(crate) fn audit_path(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let (mut from, mut count) = (0, size);
        let mut path = Vec::new();
        while count > 1 {
            let left = largest_power_below(count);
            if index < from + left {
                path.push(self.root(from + left, count - left)?);
                count = left;
            } else {
                path.push(self.root(from, left)?);
                (from, count) = (from + left, count - left);
            }
        }
        path.reverse();
        Some(path)
    }

    /// MTH of `count` leaves from `from` on, which is a multiple of the largest power of two in `count`.
    fn root(&self, from: u64, count: u64) -> Option<Hash> {
        if count.is_power_of_two() {
            let height = count.trailing_zeros();
            return self.full(height, from >> height);
        }
        let left = largest_power_below(count);
        Some(node_hash(&self.root(from, left)?, &self.root(from + left, count - left)?))
    }

    /// The root of a full subtree: it lies within one tile.
    fn full(&self, height: u32, number: u64) -> Option<Hash> {
        let (level, within) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = number << within;
        let tile = self.0.get(&(level, first / TILE))?;
        let at = usize::try_from(first % TILE).ok()?;
        let mut row = tile.get(at..at + (1 << within))?.to_vec();
        while row.len() > 1 {
            row = row.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        row.first().copied()
    }
}

/// Levels of tiles that a tree of this size has nodes at.
fn levels(size: u64) -> impl Iterator<Item = u32> {
    (0..u64::BITS / TILE_HEIGHT).take_while(move |level| nodes(size, *level) > 0 || *level == 0)
}

/// How many full subtrees of 256^level leaves there are.
pub(crate) const fn nodes(size: u64, level: u32) -> u64 {
    size >> (level * TILE_HEIGHT)
}

const fn largest_power_below(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Whether a leaf is in the tree with this root (RFC 9162 section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6962 section 2.1, word by word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(usize::try_from(largest_power_below(leaves.len() as u64)).unwrap());
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let k = usize::try_from(largest_power_below(leaves.len() as u64)).unwrap();
        let (left, right) = leaves.split_at(k);
        let (mut path, other) =
            if index < k { (naive_path(index, left), mth(right)) } else { (naive_path(index - k, right), mth(left)) };
        path.push(other);
        path
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    /// Only the tiles that are asked for, as the store would load them.
    fn tiles(all: &[Hash], wanted: &[(u32, u64)]) -> Tiles {
        let mut tiles = Tiles::default();
        for (level, number) in wanted {
            let span = usize::try_from(TILE.pow(*level)).unwrap();
            let row = all.chunks_exact(span).map(mth).skip(usize::try_from(number * TILE).unwrap());
            tiles.0.insert((*level, *number), row.take(256).collect());
        }
        tiles
    }

    #[test]
    fn known_values() {
        let hex = |hash: Hash| hex::encode(hash);
        // The published values of the certificate transparency reference tests.
        assert_eq!(hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut range = Range::default();
        for (input, root) in inputs.into_iter().zip(roots) {
            range.push(leaf_hash(input), |_| ());
            assert_eq!(hex(range.root()), root, "size {}", range.size());
        }
    }

    #[test]
    fn every_small_tree() {
        let all = leaves(70);
        let mut range = Range::default();
        for size in 0..=70_usize {
            let here = &all[..size];
            assert_eq!(range.root(), mth(here), "size {size}");
            let edge = tiles(here, &Tiles::edge(size as u64));
            assert_eq!(edge.range(size as u64).unwrap(), range);
            for index in 0..size {
                let path = naive_path(index, here);
                assert!(verify_inclusion(&here[index], index as u64, size as u64, &path, &mth(here)));
            }
            if let Some(leaf) = all.get(size) {
                range.push(*leaf, |_| ());
            }
        }
    }

    fn prove(size: u64, indices: &[u64]) {
        let all = leaves(size);
        let root = mth(&all);
        let mut range = Range::default();
        let mut full = Vec::new();
        for leaf in &all {
            range.push(*leaf, |subtree| full.push(subtree));
        }
        assert_eq!(range.root(), root);
        for subtree in full.iter().filter(|s| s.height > 0).step_by(97) {
            let from = usize::try_from(subtree.number << subtree.height).unwrap();
            assert_eq!(subtree.hash, mth(&all[from..from + (1 << subtree.height)]));
        }
        for index in indices.iter().copied() {
            let mut wanted = Tiles::path(index, size);
            wanted.extend(Tiles::edge(size));
            let few = tiles(&all, &wanted);
            assert_eq!(few.range(size).unwrap(), range);
            let path = few.audit_path(index, size).unwrap();
            let leaf = all[index as usize];
            assert_eq!(&path, &naive_path(index as usize, &all));
            assert!(verify_inclusion(&leaf, index, size, &path, &root));
            assert!(!verify_inclusion(&leaf_hash(b"other"), index, size, &path, &root));
            assert!(!verify_inclusion(&leaf, index, size, &path, &leaf));
            assert!(!verify_inclusion(&leaf, size, size, &path, &root));
            if let Some((_, short)) = path.split_last() {
                assert!(!verify_inclusion(&leaf, index, size, short, &root));
            }
        }
    }

    #[test]
    fn tiles_prove_trees_of_three_levels() {
        prove(65_536, &[65_535]);
        prove(65_801, &[0, 255, 256, 65_535, 65_536, 65_800]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn tiles_prove_trees(size in 1..1200_u64, at in any::<prop::sample::Index>()) {
            prove(size, &[at.index(size as usize) as u64]);
        }
    }
}
