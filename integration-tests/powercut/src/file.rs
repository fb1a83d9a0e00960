//! An open file, as SQLite calls it.
#![allow(unsafe_code, reason = "SQLite calls a VFS through raw pointers: that is its interface")]

use std::{
    ffi::{c_int, c_void},
    slice,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};

use rusqlite::ffi;

use crate::{
    disk::{Disk, Flaw, Inode, lock},
    lock::Busy,
    shm::{Held, Shm},
};

/// What SQLite has of an open file: its own part first.
#[repr(C)]
pub(crate) struct File {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// What is behind it.
pub(crate) struct Open {
    pub(crate) disk: Arc<Disk>,
    pub(crate) inode: Arc<Inode>,
    /// Tells the holders of locks apart.
    pub(crate) holder: u64,
    /// A log or rollback journal that was made with this: its first sync syncs the folder too.
    pub(crate) sync_folder: bool,
    /// Deleted when it is closed.
    pub(crate) deleted_as: Option<String>,
    pub(crate) shm: Option<Arc<Shm>>,
    pub(crate) held: Held,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(raise),
    xUnlock: Some(lower),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes SQLite's file out of what is behind it.
///
/// # Safety
/// `place` points to room for a [`File`].
pub(crate) unsafe fn begin(place: *mut ffi::sqlite3_file, open: Open) {
    let file = File { base: ffi::sqlite3_file { pMethods: &METHODS }, open: Box::into_raw(Box::new(open)) };
    // SAFETY: the caller's promise.
    unsafe { place.cast::<File>().write(file) }
}

/// Says that there is nothing to close.
///
/// # Safety
/// `place` points to a `sqlite3_file`.
pub(crate) unsafe fn none(place: *mut ffi::sqlite3_file) {
    // SAFETY: the caller's promise.
    unsafe { (*place).pMethods = std::ptr::null() }
}

/// What is behind a file that SQLite calls with.
///
/// # Safety
/// `file` came out of [`begin`] and is not closed, and SQLite calls with one file on one thread at a time.
unsafe fn behind<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: `begin` wrote a File there whose pointer `close` alone gives back.
    unsafe { &mut *(*file.cast::<File>()).open }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once and does not use it afterwards.
    let mut open = unsafe { Box::from_raw((*file.cast::<File>()).open) };
    leave_shm(&mut open);
    lock(&open.inode.levels).lower(open.holder, 0);
    if let Some(name) = open.deleted_as.take() {
        // Without power it stays; nobody looks for it again.
        let _ = open.disk.delete(&name, false);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, out: *mut c_void, bytes: c_int, at: i64) -> c_int {
    let (Ok(bytes), Ok(at)) = (usize::try_from(bytes), usize::try_from(at)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: SQLite gives room for that many bytes, which nobody else uses in the meantime.
    let (open, out) = unsafe { (behind(file), slice::from_raw_parts_mut(out.cast::<u8>(), bytes)) };
    match open.disk.read(&open.inode, at, out) {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(_) => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    at: i64,
) -> c_int {
    let (Ok(bytes), Ok(at)) = (usize::try_from(bytes), usize::try_from(at)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite gives that many bytes, which nobody changes in the meantime.
    let (open, from) = unsafe { (behind(file), slice::from_raw_parts(from.cast::<u8>(), bytes)) };
    match open.disk.write(&open.inode, at, from) {
        Ok(None) => ffi::SQLITE_OK,
        Ok(Some(Flaw::Full)) => ffi::SQLITE_FULL,
        // As Linux's EROFS comes out of SQLite's own VFS.
        Ok(Some(Flaw::ReadOnly)) | Err(_) => ffi::SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let open = unsafe { behind(file) };
    match usize::try_from(length).map(|length| open.disk.cut_file(&open.inode, length)) {
        Ok(Ok(())) => ffi::SQLITE_OK,
        _ => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let open = unsafe { behind(file) };
    if open.disk.sync(&open.inode).is_err() {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    if std::mem::take(&mut open.sync_folder) && open.disk.sync_folder().is_err() {
        return ffi::SQLITE_IOERR_DIR_FSYNC;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: SQLite calls with an open file and a place for the answer.
    unsafe {
        let open = behind(file);
        if open.disk.check().is_err() {
            return ffi::SQLITE_IOERR_FSTAT;
        }
        *out = i64::try_from(lock(&open.inode.content).length()).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn raise(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let open = unsafe { behind(file) };
    if open.disk.check().is_err() {
        return ffi::SQLITE_IOERR_LOCK;
    }
    busy_or_ok(lock(&open.inode.levels).raise(open.holder, level))
}

unsafe extern "C" fn lower(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let open = unsafe { behind(file) };
    lock(&open.inode.levels).lower(open.holder, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: SQLite calls with an open file and a place for the answer.
    unsafe { *out = c_int::from(lock(&behind(file).inode.levels).is_reserved()) }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

/// As SQLite's own VFS on Linux says.
unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

/// As SQLite's own VFS on Linux says: bytes beside those written are not harmed.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    number: c_int,
    bytes: c_int,
    make: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let (Ok(number), Ok(bytes)) = (usize::try_from(number), usize::try_from(bytes)) else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    // SAFETY: SQLite calls with an open file and a place for the answer; the memory lives as long as the file is open.
    unsafe {
        let open = behind(file);
        *out = std::ptr::null_mut();
        if open.disk.check().is_err() {
            return ffi::SQLITE_IOERR_SHMMAP;
        }
        let shm = open.shm.get_or_insert_with(|| open.inode.shm());
        *out = shm.region(number, bytes, make != 0);
        if (*out).is_null() && make != 0 {
            return ffi::SQLITE_NOMEM;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let open = unsafe { behind(file) };
    let (Some(shm), Ok(first), Ok(count)) = (&open.shm, usize::try_from(first), usize::try_from(count))
    else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    let slots = first..first + count;
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        shm.unlock(&mut open.held, slots);
        return ffi::SQLITE_OK;
    }
    if open.disk.check().is_err() {
        return ffi::SQLITE_IOERR_SHMLOCK;
    }
    busy_or_ok(if flags & ffi::SQLITE_SHM_SHARED != 0 {
        shm.lock_shared(&mut open.held, slots)
    } else {
        shm.lock_exclusive(&mut open.held, slots)
    })
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    leave_shm(unsafe { behind(file) });
    ffi::SQLITE_OK
}

/// The memory goes with the last that has it; who comes then gets it empty and reads the log.
fn leave_shm(open: &mut Open) {
    if let Some(shm) = open.shm.take() {
        shm.leave(&mut open.held);
    }
}

fn busy_or_ok(outcome: Result<(), Busy>) -> c_int {
    match outcome {
        Ok(()) => ffi::SQLITE_OK,
        Err(Busy) => ffi::SQLITE_BUSY,
    }
}
