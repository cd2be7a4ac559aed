//! The kernel's page table: which pages of memory are this process's own, and advice on them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;

use libc::{Ioctl, c_int, c_void, iovec};

/// How many stretches of pages one call gives.
const STRETCHES: usize = 128;

/// `_IOWR('f', 16, struct pm_scan_arg)`, and of its categories those of a page that has been written to
/// (<https://docs.kernel.org/admin-guide/mm/pagemap.html>).
const PAGEMAP_SCAN: Ioctl = 0xc060_6610_u32 as Ioctl;
const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_PFNZERO: u64 = 1 << 5;

/// This process, where a descriptor of a process is asked for.
const PIDFD_SELF: c_int = -10_000;

/// `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// An advice to the kernel about pages.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub enum Advice {
    /// Forget what was written to them: those of a file show the file again, others zeros.
    Forget = libc::MADV_DONTNEED,
    /// Map them now, so that reading them causes no page fault.
    MapForReading = libc::MADV_POPULATE_READ,
    /// Make them this process's own now, so that writing to them causes no page fault.
    MapForWriting = libc::MADV_POPULATE_WRITE,
}

/// The page table of this process.
pub struct PageMap(File);

impl PageMap {
    /// Opens it, where there is one that can be asked for stretches of pages.
    pub fn open() -> Option<Self> {
        let map = Self(File::open("/proc/self/pagemap").ok()?);
        map.written(0..0).is_ok().then_some(map)
    }

    /// The stretches of pages between two addresses that this process has written to and that it does
    /// not share.
    ///
    /// # Errors
    /// When the kernel does not tell.
    #[expect(unsafe_code, reason = "no crate has this call")]
    pub fn written(&self, addresses: Range<usize>) -> io::Result<Vec<Range<usize>>> {
        let mut found = Vec::new();
        let mut regions = [Region::default(); STRETCHES];
        let mut scan = Scan {
            size: size_of::<Scan>() as u64,
            start: addresses.start as u64,
            end: addresses.end as u64,
            regions: regions.as_mut_ptr().expose_provenance() as u64,
            regions_len: STRETCHES as u64,
            category_inverted: PAGE_IS_FILE | PAGE_IS_PFNZERO,
            category_mask: PAGE_IS_FILE | PAGE_IS_PFNZERO | PAGE_IS_PRESENT,
            ..Scan::default()
        };
        loop {
            // SAFETY: the kernel reads and writes the structure, and writes as many regions as it says there is
            // room for. It does not change the pages.
            let count = unsafe { libc::ioctl(self.0.as_raw_fd(), PAGEMAP_SCAN, &raw mut scan) };
            let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
            let stretches = regions.iter().take(count);
            found.extend(stretches.map(|region| region.start as usize..region.end as usize));
            if scan.walk_end >= scan.end || scan.walk_end <= scan.start {
                return Ok(found);
            }
            scan.start = scan.walk_end;
        }
    }
}

/// Gives advice on stretches of pages, by their addresses: in one call where the kernel can (Linux 6.14), so that
/// the other processors are interrupted once and not for each stretch.
///
/// # Errors
/// When the kernel does not follow it for all of them.
///
/// # Safety
/// [`Advice::Forget`] changes memory: nobody may rely on what is in these pages.
#[expect(unsafe_code, reason = "no crate has this call")]
pub unsafe fn advise(stretches: &[Range<usize>], advice: Advice) -> io::Result<()> {
    let vectors: Vec<_> = stretches
        .iter()
        .map(|stretch| iovec {
            iov_base: std::ptr::with_exposed_provenance_mut::<c_void>(stretch.start),
            iov_len: stretch.len(),
        })
        .collect();
    for some in vectors.chunks(libc::UIO_MAXIOV as usize) {
        let length: usize = some.iter().map(|vector| vector.iov_len).sum();
        // SAFETY: the vectors are valid, and the caller answers for the pages.
        let done = unsafe {
            libc::syscall(
                libc::SYS_process_madvise,
                PIDFD_SELF,
                some.as_ptr(),
                some.len(),
                advice as c_int,
                0,
            )
        };
        if usize::try_from(done).is_ok_and(|done| done == length) {
            continue;
        }
        for vector in some {
            // SAFETY: the caller answers for the pages.
            let status = unsafe { libc::madvise(vector.iov_base, vector.iov_len, advice as c_int) };
            if status != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

/// How many page faults this thread has had that needed no disk.
#[expect(unsafe_code, reason = "no crate has this call")]
pub fn thread_page_faults() -> i64 {
    let mut usage = std::mem::MaybeUninit::zeroed();
    // SAFETY: the kernel writes the whole structure or nothing, and zeros are one, too.
    let usage: libc::rusage = unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init()
    };
    usage.ru_minflt
}
