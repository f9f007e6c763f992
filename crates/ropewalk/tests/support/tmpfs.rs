//! A small disk that can be filled.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tempfile::TempDir;

/// A file system in memory, of a given size; gone when dropped.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mount one; `None` where that is not allowed, or this is not Linux.
    #[cfg(target_os = "linux")]
    pub fn mount(megabytes: usize) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let target = CString::new(folder.path().as_os_str().as_bytes()).unwrap();
        let options = CString::new(format!("size={megabytes}m")).unwrap();
        // SAFETY: every pointer is to a string that ends with a zero byte and outlives the call.
        let mounted = unsafe {
            libc::mount(c"tmpfs".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), 0, options.as_ptr().cast())
        };
        (mounted == 0).then_some(Self { folder })
    }

    /// Mount one; `None` where that is not allowed, or this is not Linux.
    #[cfg(not(target_os = "linux"))]
    pub fn mount(_megabytes: usize) -> Option<Self> {
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Write until not one more byte fits.
    pub fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.path().join("filler")).unwrap();
        for size in [1 << 20, 4096, 1] {
            let bytes = vec![0_u8; size];
            while file.write_all(&bytes).is_ok() {}
        }
    }

    /// Free what `fill` has taken.
    pub fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        {
            let target = CString::new(self.folder.path().as_os_str().as_bytes()).unwrap();
            // SAFETY: the pointer is to a string that ends with a zero byte and outlives the call.
            unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
        }
    }
}
