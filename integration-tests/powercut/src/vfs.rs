//! The VFS: which disk stands in the place of which folder, and how SQLite opens, deletes and looks for files.
#![allow(unsafe_code, reason = "SQLite calls a VFS through raw pointers: that is its interface")]

use std::{
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::ffi;

use crate::{
    disk::{Disk, lock},
    file::{self, File, Open},
    power::Power,
    shm::Held,
};

/// The VFS's name.
pub const VFS: &str = "waypost-powercut";
const VFS_C: &CStr = c"waypost-powercut";

/// Longest path, in bytes.
const PATH_BYTES_MAX: usize = 1024;

/// SQLite did not take the VFS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotRegistered(pub c_int);

impl std::fmt::Display for NotRegistered {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SQLite did not take the VFS {VFS}: code {}", self.0)
    }
}

impl std::error::Error for NotRegistered {}

/// Disks by the folder that they stand for.
static MOUNTS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());

/// Numbers the holders of locks.
static HOLDERS: AtomicU64 = AtomicU64::new(1);

/// Makes the VFS known to SQLite, beside the default one. Calling it again does nothing.
pub fn register() -> Result<(), NotRegistered> {
    static DONE: OnceLock<c_int> = OnceLock::new();
    let code = *DONE.get_or_init(|| {
        // SAFETY: SQLite copies nothing and keeps the pointer, so the struct is leaked; its functions do as they must.
        unsafe {
            let system = ffi::sqlite3_vfs_find(std::ptr::null());
            if system.is_null() {
                return ffi::SQLITE_ERROR;
            }
            let mut vfs = *system;
            vfs.iVersion = 2;
            vfs.szOsFile = size_of::<File>() as c_int;
            vfs.mxPathname = PATH_BYTES_MAX as c_int;
            vfs.pNext = std::ptr::null_mut();
            vfs.zName = VFS_C.as_ptr();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            vfs.xAccess = Some(access);
            vfs.xFullPathname = Some(full_path);
            ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0)
        }
    });
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(NotRegistered(code)) }
}

/// From now on the disk is what the VFS finds in that folder, which need not exist.
pub fn mount(folder: &Path, disk: Arc<Disk>) {
    lock(&MOUNTS).insert(folder.to_owned(), disk);
}

/// Takes the disk out; who has a file of it open keeps that.
pub fn unmount(folder: &Path) -> Option<Arc<Disk>> {
    lock(&MOUNTS).remove(folder)
}

/// The disk of a path, and the file's name there.
///
/// # Safety
/// `name` is null or a text that ends with a zero byte.
unsafe fn find(name: *const c_char) -> Option<(Arc<Disk>, String)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let path = Path::new(unsafe { CStr::from_ptr(name) }.to_str().ok()?);
    let disk = Arc::clone(lock(&MOUNTS).get(path.parent()?)?);
    Some((disk, path.file_name()?.to_str()?.to_owned()))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    place: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name or null, room for a File, and a place for the flags or null.
    unsafe {
        file::none(place);
        let found = if name.is_null() {
            // A file of no name is gone after a cut in any case.
            Some((Arc::new(Disk::new(Arc::new(Power::stays()))), "nameless".to_owned()))
        } else {
            find(name)
        };
        let Some((disk, name)) = found else { return ffi::SQLITE_CANTOPEN };
        let read_only = disk.is_read_only() && flags & ffi::SQLITE_OPEN_READWRITE != 0;
        let Ok(Some((inode, made))) = disk.open(&name, flags & ffi::SQLITE_OPEN_CREATE != 0) else {
            return ffi::SQLITE_CANTOPEN;
        };
        let logs = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
        let open = Open {
            disk,
            inode,
            holder: HOLDERS.fetch_add(1, Ordering::Relaxed),
            sync_folder: made && flags & logs != 0,
            deleted_as: (flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0).then_some(name),
            shm: None,
            held: Held::default(),
        };
        file::begin(place, open);
        if !flags_out.is_null() {
            *flags_out = if read_only {
                flags & !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE) | ffi::SQLITE_OPEN_READONLY
            } else {
                flags
            };
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a name.
    let Some((disk, name)) = (unsafe { find(name) }) else { return ffi::SQLITE_IOERR_DELETE };
    match disk.delete(&name, sync_folder != 0) {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_DELETE_NOENT,
        Err(_) => ffi::SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name and a place for the answer.
    unsafe {
        *out = 0;
        let Some((disk, name)) = find(name) else { return ffi::SQLITE_OK };
        let Ok(length) = disk.length(&name) else { return ffi::SQLITE_IOERR_ACCESS };
        // An empty file counts as none, as in SQLite's own VFS on Linux.
        let wanted = if flags == ffi::SQLITE_ACCESS_EXISTS { 1 } else { 0 };
        *out = c_int::from(length.is_some_and(|length| length >= wanted));
    }
    ffi::SQLITE_OK
}

/// Paths are taken as they are given.
unsafe extern "C" fn full_path(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a name, and room for that many bytes.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if name.len() > usize::try_from(room).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(name.as_ptr(), out.cast::<u8>(), name.len());
    }
    ffi::SQLITE_OK
}
