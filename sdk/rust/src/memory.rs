//! The allocator of plugins in the sandbox: small blocks by size, each freed block kept for the next of its size.
//!
//! A page of rows is some thousand small texts that live for one call. A general allocator spends more on each of them, to
//! give memory back that the host takes back whole anyway, than the parser spends on reading it. Large blocks stay with the
//! standard one. Feature `allocator`, on by default: a plugin that brings its own allocator turns it off.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// Sizes are rounded up to a multiple of this, which is also the alignment of every small block.
const STEP: usize = 16;

/// The largest small block: longer than nearly all texts of a record, and the list of its values.
const SMALL: usize = 512;

const CLASSES: usize = SMALL / STEP;

/// What is taken at once from the standard allocator, to be cut into small blocks.
const REGION: usize = 64 * 1024;

/// A freed block; it holds the address of the next one.
type Free = Cell<Option<NonNull<Block>>>;

struct Block {
    next: Option<NonNull<Block>>,
}

/// Small blocks by size over an allocator for everything else. For one thread.
pub(crate) struct BySize<A> {
    large: A,
    free: [Free; CLASSES],
    /// What is left of the current region.
    begin: Cell<*mut u8>,
    left: Cell<usize>,
}

impl<A> BySize<A> {
    /// An allocator that takes its regions and all large blocks from `large`.
    pub(crate) const fn over(large: A) -> Self {
        Self { large, free: [const { Cell::new(None) }; CLASSES], begin: Cell::new(null_mut()), left: Cell::new(0) }
    }
}

/// The class of a small block; none for what the standard allocator should do.
const fn class(layout: &Layout) -> Option<usize> {
    let size = layout.size();
    if size == 0 || size > SMALL || layout.align() > STEP { None } else { Some((size - 1) / STEP) }
}

#[allow(unsafe_code, reason = "an allocator hands out raw memory; what each block must keep to stands beside it")]
impl<A: GlobalAlloc> BySize<A> {
    /// A block that was never used.
    unsafe fn cut(&self, bytes: usize) -> *mut u8 {
        if self.left.get() < bytes {
            // The rest of the old region, less than the largest small block, is given up.
            let region = unsafe { self.large.alloc(Layout::from_size_align_unchecked(REGION, STEP)) };
            if region.is_null() {
                return region;
            }
            self.begin.set(region);
            self.left.set(REGION);
        }
        let block = self.begin.get();
        // Stays within the region: `left` bytes follow `begin`, and `bytes` are no more.
        self.begin.set(unsafe { block.add(bytes) });
        self.left.set(self.left.get() - bytes);
        block
    }
}

// A block of a class is `(class + 1) * STEP` bytes, aligned to `STEP`, and in exactly one place: with its user, or in the
// list of its class. Its first bytes are a `Block` only while it is in the list.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<A: GlobalAlloc> GlobalAlloc for BySize<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(&layout) else { return unsafe { self.large.alloc(layout) } };
        match self.free[class].get() {
            Some(block) => {
                self.free[class].set(unsafe { block.as_ref() }.next);
                block.as_ptr().cast()
            }
            None => unsafe { self.cut((class + 1) * STEP) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let Some(class) = class(&layout) else { return unsafe { self.large.dealloc(pointer, layout) } };
        #[allow(clippy::cast_ptr_alignment, reason = "every block is aligned to 16")]
        let block = pointer.cast::<Block>();
        unsafe { block.write(Block { next: self.free[class].get() }) };
        self.free[class].set(NonNull::new(block));
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The caller promises that the size fits this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(&layout), class(&wanted)) {
            (None, None) => unsafe { self.large.realloc(pointer, layout, size) },
            (had, wants) if had == wants => pointer,
            _ => {
                let moved = unsafe { self.alloc(wanted) };
                if !moved.is_null() {
                    unsafe { moved.copy_from_nonoverlapping(pointer, layout.size().min(size)) };
                    unsafe { self.dealloc(pointer, layout) };
                }
                moved
            }
        }
    }
}

/// There is one thread in a component, so nothing is shared.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics"), feature = "allocator"))]
#[allow(unsafe_code, reason = "a static must be `Sync`, and this one is reached from one thread")]
mod global {
    use super::{BySize, GlobalAlloc, Layout};

    struct OneThread(BySize<std::alloc::System>);

    unsafe impl Sync for OneThread {}

    unsafe impl GlobalAlloc for OneThread {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            unsafe { self.0.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            unsafe { self.0.dealloc(pointer, layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            unsafe { self.0.realloc(pointer, layout, size) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: OneThread = OneThread(BySize::over(std::alloc::System));
}

#[cfg(test)]
#[allow(unsafe_code, reason = "these tests use the allocator as the compiler does")]
mod tests {
    use std::alloc::System;

    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn a_freed_block_is_the_next_one_of_its_size() {
        let memory = BySize::over(System);
        unsafe {
            let (one, two) = (memory.alloc(layout(20, 1)), memory.alloc(layout(32, 8)));
            memory.dealloc(one, layout(20, 1));
            assert_eq!(memory.alloc(layout(31, 4)), one);
            memory.dealloc(two, layout(32, 8));
            assert_ne!(memory.alloc(layout(33, 1)), two);
        }
    }

    #[test]
    fn growing_keeps_what_was_written_within_and_across_sizes() {
        let memory = BySize::over(System);
        let (mut size, align) = (1, 1);
        unsafe {
            let mut block = memory.alloc(layout(size, align));
            block.write(7);
            for next in [16, 17, 500, 512, 513, 100_000, 512, 40, 1] {
                block = memory.realloc(block, layout(size, align), next);
                assert_eq!(block.read(), 7, "from {size} to {next}");
                block.add(next - 1).write(if next == 1 { 7 } else { 9 });
                size = next;
            }
            memory.dealloc(block, layout(size, align));
        }
    }

    /// Thousands of blocks in use at once, freed and taken again in an order that a seed gives: none overlaps another.
    #[test]
    fn no_two_blocks_overlap() {
        let memory = BySize::over(System);
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut held: Vec<(*mut u8, Layout, u8)> = Vec::new();
        for round in 0..40_000_u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let chance = (seed >> 33) as usize;
            if held.len() > 2_000 || chance.is_multiple_of(3) && !held.is_empty() {
                let (pointer, layout, mark) = held.swap_remove(chance % held.len());
                let bytes = unsafe { std::slice::from_raw_parts(pointer, layout.size()) };
                assert!(bytes.iter().all(|byte| *byte == mark), "round {round}, {layout:?}");
                unsafe { memory.dealloc(pointer, layout) };
            } else {
                let layout = layout(1 + chance % 700, 1 << (chance % 6));
                let pointer = unsafe { memory.alloc(layout) };
                assert_eq!(pointer as usize % layout.align(), 0, "{layout:?}");
                let mark = (round % 251) as u8;
                unsafe { pointer.write_bytes(mark, layout.size()) };
                held.push((pointer, layout, mark));
            }
        }
        held.into_iter().for_each(|(pointer, layout, _)| unsafe { memory.dealloc(pointer, layout) });
    }
}
