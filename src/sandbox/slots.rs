//! Slots after rich scripts: which pages of a slot's memory stay its own between two runs.
//!
//! After a run wasmtime copies the snapshot into each page that the slot has written to, in up to 32 stretches, and
//! gives the pages behind those back to the system: a later run that needs one of them has a page fault. The kernel
//! cannot tell what this run wrote from what an earlier one did, so one script that changes many pages would make all
//! later runs in its slot slow. After such a script the slot keeps only the pages that a short script changes as
//! well; the others are shared with the snapshot again.

use std::ops::Range;
use std::slice;
use std::sync::{Arc, OnceLock};

use super::page_map::{Advice, PageMap, advise};

/// A slot with more stretches of written pages than this is tidied; wasmtime restores 32.
const MOST_STRETCHES: usize = 30;

/// So is one with so many more pages than a short script changes: each of them is copied after every run.
const MOST_MORE: usize = 32;

/// A short script changes fewer pages than this, or something is wrong.
const MOST_USUAL: usize = 100;

/// The state that a sandbox's slots share.
pub struct Slots {
    map: PageMap,
    page: usize,
    /// The pages that a short script changes, as stretches of bytes of linear memory.
    usual: OnceLock<Option<Vec<Range<usize>>>>,
}

impl Slots {
    /// Nothing where the kernel does not tell which pages have been written to: there wasmtime cannot keep
    /// any.
    pub fn new() -> Option<Arc<Self>> {
        let slots = Self {
            map: PageMap::open()?,
            page: rustix::param::page_size(),
            usual: OnceLock::new(),
        };
        Some(Arc::new(slots))
    }

    fn pages(&self, stretches: &[Range<usize>]) -> usize {
        stretches.iter().map(ExactSizeIterator::len).sum::<usize>() / self.page
    }

    /// Keeps what a short script changes as well; the first run of all is taken for one.
    fn learn(&self, written: &[Range<usize>]) -> Option<Vec<Range<usize>>> {
        let short = written.len() < MOST_STRETCHES && self.pages(written) < MOST_USUAL;
        short.then(|| written.to_vec())
    }
}

/// The memory of a run's slot.
pub struct Slot {
    slots: Arc<Slots>,
    start: usize,
    /// How many bytes of it there are before the run.
    size: usize,
}

impl Slot {
    /// The slot with the memory of an instance that has not run yet.
    pub fn new(slots: &Arc<Slots>, memory: *mut [u8]) -> Self {
        Self {
            slots: Arc::clone(slots),
            start: memory.cast::<u8>().expose_provenance(),
            size: memory.len(),
        }
    }

    /// Tidies the slot after its run, which has left `size` bytes of memory.
    ///
    /// # Safety
    /// The instance will not be used any more, and its memory is still there.
    #[expect(unsafe_code, reason = "changes which pages the memory consists of")]
    pub unsafe fn tidy(&self, size: usize) {
        let Ok(written) = self.slots.map.written(self.start..self.start + size) else {
            return;
        };
        let written = moved(&written, |address| address - self.start);
        let usual = self.slots.usual.get_or_init(|| self.slots.learn(&written));
        let Some(usual) = usual else {
            return;
        };
        let most = self.slots.pages(usual) + MOST_MORE;
        if written.len() <= MOST_STRETCHES && self.slots.pages(&written) <= most {
            return;
        }
        let addresses = |stretches: &[_]| moved(stretches, |offset| offset + self.start);
        let more = without(&written, usual);
        let grown = self.size..usize::MAX;
        let of_snapshot = without(&more, slice::from_ref(&grown));
        let missing = without(usual, &written);
        // SAFETY: all of it is memory of the instance, which nobody looks at any more, and forgetting what was
        // written brings the snapshot's bytes back, which is what wasmtime does next. It is no matter if the kernel
        // refuses: then later runs have page faults.
        unsafe {
            let _ = advise(&addresses(&more), Advice::Forget);
            let _ = advise(&addresses(&of_snapshot), Advice::MapForReading);
            let _ = advise(&addresses(&missing), Advice::MapForWriting);
        }
    }
}

/// The same stretches, elsewhere.
fn moved(stretches: &[Range<usize>], to: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let moved = |stretch: &Range<usize>| to(stretch.start)..to(stretch.end);
    stretches.iter().map(moved).collect()
}

/// The parts of `these` that are not in `others`. Both are sorted and do not overlap themselves.
fn without(these: &[Range<usize>], others: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut rest = Vec::new();
    for this in these {
        let mut start = this.start;
        for other in others
            .iter()
            .filter(|other| other.start < this.end && other.end > this.start)
        {
            if start < other.start {
                rest.push(start..other.start);
            }
            start = start.max(other.end);
        }
        if start < this.end {
            rest.push(start..this.end);
        }
    }
    rest
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of one stretch")]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_taken_out_of_others() {
        type Stretches = &'static [Range<usize>];
        let cases: [(Stretches, Stretches, Stretches); 6] = [
            (&[], &[1..2], &[]),
            (&[1..9], &[], &[1..9]),
            (&[1..9], &[3..4, 6..7], &[1..3, 4..6, 7..9]),
            (&[1..3, 5..9], &[2..6, 8..12], &[1..2, 6..8]),
            (&[1..3], &[1..3], &[]),
            (&[1..3, 4..6], &[3..4], &[1..3, 4..6]),
        ];
        for (these, others, rest) in cases {
            assert_eq!(without(these, others), rest, "{these:?} without {others:?}");
        }
    }
}
