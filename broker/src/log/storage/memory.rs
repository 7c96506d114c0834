//! A file system in memory that forgets, on a power loss, what was not synced.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Entry, OpenMode, Storage, StorageFile};

const SECTOR_BYTES: usize = 512;

/// What happens to unsynced state when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Everything not synced is gone.
    All,
    /// Nothing is gone: the machine stopped, or the kernel wrote all back just before.
    Nothing,
    /// Each sector and each name is kept or lost as the seed says.
    Random(u64),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    content: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, Node>,
    /// The names as a power loss leaves them.
    synced_names: BTreeMap<PathBuf, Node>,
    locks: HashSet<PathBuf>,
    steps: u64,
    cut_at: Option<u64>,
    write_error: Option<io::ErrorKind>,
    create_error: Option<&'static str>,
    sync_error: bool,
    ignored_suffix: Option<&'static str>,
    ignores_dir_syncs: bool,
    syncs: u64,
    holds_syncs: bool,
    boot: u64,
}

/// [`Storage`] in memory. Clones share the same files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<(Mutex<State>, Condvar)>);

impl Memory {
    /// One with a folder that is there for good.
    pub(crate) fn with_folder(path: &Path) -> Self {
        let memory = Self::default();
        memory.create_dir(path).unwrap();
        memory.sync_dir(path.parent().unwrap()).unwrap();
        memory
    }

    /// Every change from step `step` on fails, as after a power loss.
    pub(crate) fn cut_at(&self, step: u64) {
        self.state().cut_at = Some(step);
    }

    /// Changes made so far: writes, syncs, creates, renames, removals.
    pub(crate) fn steps(&self) -> u64 {
        self.state().steps
    }

    /// File syncs made so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Syncs report success and do nothing.
    pub(crate) fn ignore_syncs(&self) {
        self.ignore_syncs_of("");
        self.ignore_dir_syncs();
    }

    /// Syncs of files with this suffix report success and do nothing.
    pub(crate) fn ignore_syncs_of(&self, suffix: &'static str) {
        self.state().ignored_suffix = Some(suffix);
    }

    /// Syncs of folders report success and do nothing.
    pub(crate) fn ignore_dir_syncs(&self) {
        self.state().ignores_dir_syncs = true;
    }

    /// File syncs wait until this is taken back.
    pub(crate) fn hold_syncs(&self, hold: bool) {
        self.state().holds_syncs = hold;
        self.0.1.notify_all();
    }

    /// File syncs fail.
    pub(crate) fn fail_syncs(&self, fail: bool) {
        self.state().sync_error = fail;
    }

    /// Creating files with this suffix fails.
    pub(crate) fn fail_creates(&self, suffix: Option<&'static str>) {
        self.state().create_error = suffix;
    }

    /// Writes fail, having written half.
    pub(crate) fn fail_writes(&self, kind: Option<io::ErrorKind>) {
        self.state().write_error = kind;
    }

    /// The files after the end of the process alone: the operating system keeps what was not synced.
    pub(crate) fn after_kill(&self) -> Memory {
        let state = self.state();
        let after = State {
            inodes: state.inodes.clone(),
            names: state.names.clone(),
            synced_names: state.synced_names.clone(),
            boot: state.boot,
            ..State::default()
        };
        Memory(Arc::new((Mutex::new(after), Condvar::new())))
    }

    /// The files after a power loss, as a new machine would find them.
    pub(crate) fn after_power_loss(&self, loss: Loss) -> Memory {
        let state = self.state();
        let mut random = match loss {
            Loss::Random(seed) => seed | 1,
            Loss::All | Loss::Nothing => 0,
        };
        let mut keep = || match loss {
            Loss::All => false,
            Loss::Nothing => true,
            Loss::Random(_) => {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 63 == 1
            }
        };
        let mut after = State { boot: state.boot + 1, ..State::default() };
        for inode in &state.inodes {
            let mut content = inode.synced.clone();
            if keep() {
                content.resize(inode.content.len(), 0);
            }
            for start in (0..content.len().min(inode.content.len())).step_by(SECTOR_BYTES) {
                let end = (start + SECTOR_BYTES).min(content.len()).min(inode.content.len());
                if content[start..end] != inode.content[start..end] && keep() {
                    content[start..end].copy_from_slice(&inode.content[start..end]);
                }
            }
            after.inodes.push(Inode { synced: content.clone(), content });
        }
        let paths: HashSet<_> = state.names.keys().chain(state.synced_names.keys()).cloned().collect();
        for path in paths {
            let (new, old) = (state.names.get(&path), state.synced_names.get(&path));
            let kept = if new == old || keep() { new } else { old };
            if let Some(node) = kept {
                after.names.insert(path, node.clone());
            }
        }
        // A rename is one change: a durable file is not lost under both names.
        for (from, node) in &state.synced_names {
            let Node::File(inode) = node else { continue };
            let renamed =
                state.names.get(from) != Some(node) && state.names.values().any(|other| other == node);
            if renamed && !after.names.values().any(|kept| *kept == Node::File(*inode)) {
                after.names.insert(from.clone(), node.clone());
            }
        }
        // A name whose folder is gone cannot be reached.
        let dirs: HashSet<_> = after
            .names
            .iter()
            .filter(|(_, node)| **node == Node::Dir)
            .map(|(path, _)| path.clone())
            .collect();
        after.names.retain(|path, _| path.ancestors().skip(1).all(|dir| is_root(dir) || dirs.contains(dir)));
        after.synced_names = after.names.clone();
        Memory(Arc::new((Mutex::new(after), Condvar::new())))
    }

    /// Changes one byte of a file, as a failing disk does.
    pub(crate) fn damage(&self, path: &Path, position: usize) {
        self.edit(path, |content| content[position] ^= 0x40);
    }

    /// Changes a file behind the broker's back.
    pub(crate) fn edit(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let Some(Node::File(inode)) = state.names.get(path).cloned() else {
            panic!("no file {}", path.display())
        };
        change(&mut state.inodes[inode].content);
        state.inodes[inode].synced = state.inodes[inode].content.clone();
    }

    /// A file's content.
    pub(crate) fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        match state.names.get(path) {
            Some(Node::File(inode)) => Some(state.inodes[*inode].content.clone()),
            _ => None,
        }
    }

    /// Lets go of all locks, as the end of a process does.
    pub(crate) fn release_locks(&self) {
        self.state().locks.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if self.cut_at.is_some_and(|cut| self.steps >= cut) {
            return Err(io::Error::other("the power is off"));
        }
        Ok(())
    }
}

fn is_root(path: &Path) -> bool {
    path.parent().is_none() || path.as_os_str().is_empty()
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no {}", path.display()))
}

impl Storage for Memory {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let mut state = self.state();
        let inode = match state.names.get(path) {
            Some(Node::Dir) => return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder")),
            Some(Node::File(inode)) => *inode,
            None if mode == OpenMode::Read => return Err(not_found(path)),
            None => {
                if !path.parent().is_some_and(|dir| is_root(dir) || state.names.get(dir) == Some(&Node::Dir))
                {
                    return Err(not_found(path));
                }
                state.step()?;
                if state.create_error.is_some_and(|suffix| path.to_str().unwrap().ends_with(suffix)) {
                    return Err(io::Error::new(io::ErrorKind::StorageFull, "injected"));
                }
                let inode = state.inodes.len();
                state.inodes.push(Inode::default());
                state.names.insert(path.to_owned(), Node::File(inode));
                inode
            }
        };
        if matches!(mode, OpenMode::Truncate | OpenMode::TruncatePrivate) {
            state.step()?;
            state.inodes[inode].content.clear();
        }
        Ok(Arc::new(MemoryFile { state: self.clone(), path: path.to_owned(), inode }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let missing: Vec<_> = path
            .ancestors()
            .filter(|dir| !is_root(dir) && !state.names.contains_key(*dir))
            .map(Path::to_owned)
            .collect();
        for dir in missing.into_iter().rev() {
            state.step()?;
            state.names.insert(dir, Node::Dir);
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let state = self.state();
        if !is_root(dir) && state.names.get(dir) != Some(&Node::Dir) {
            return Err(not_found(dir));
        }
        Ok(state
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir))
            .map(|(path, node)| Entry {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                is_dir: *node == Node::Dir,
            })
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(from) {
            return Err(not_found(from));
        }
        state.step()?;
        let moved: Vec<_> = state.names.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for path in moved {
            let node = state.names.remove(&path).unwrap();
            let rest = path.strip_prefix(from).unwrap();
            let target = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
            // What was durable inside a folder stays so under the folder's new name.
            if !rest.as_os_str().is_empty()
                && let Some(synced) = state.synced_names.get(&path).cloned()
            {
                state.synced_names.insert(target.clone(), synced);
            }
            state.names.insert(target, node);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !matches!(state.names.get(path), Some(Node::File(_))) {
            return Err(not_found(path));
        }
        state.step()?;
        state.names.remove(path);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(path) {
            return Err(not_found(path));
        }
        // Files one by one, as the operating system does it.
        let inside: Vec<_> = state.names.keys().filter(|name| name.starts_with(path)).cloned().collect();
        for name in inside.into_iter().rev() {
            state.step()?;
            state.names.remove(&name);
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        if state.ignores_dir_syncs {
            return Ok(());
        }
        state.synced_names.retain(|path, _| path.parent() != Some(dir));
        let children: Vec<_> = state
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir))
            .map(|(path, node)| (path.clone(), node.clone()))
            .collect();
        state.synced_names.extend(children);
        Ok(())
    }

    fn boot_id(&self) -> Option<String> {
        Some(format!("boot {}", self.state().boot))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Debug + Send + Sync>>> {
        let held = self.state().locks.insert(path.to_owned());
        Ok(held.then(|| Box::new(Lock { memory: self.clone(), path: path.to_owned() }) as _))
    }
}

#[derive(Debug)]
struct Lock {
    memory: Memory,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.memory.state().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct MemoryFile {
    state: Memory,
    path: PathBuf,
    inode: usize,
}

/// Cuts the power at each step of a script, which returns how many of its changes were acknowledged, and hands over what each
/// kind of loss leaves, that number, and where this was. Returns the number of steps.
pub(crate) fn at_every_cut(
    fresh: impl Fn() -> Memory,
    script: impl Fn(&Memory) -> usize,
    check: impl Fn(&Memory, usize, &str),
) -> u64 {
    let whole = fresh();
    let before = whole.steps();
    script(&whole);
    let steps = whole.steps() - before;
    for step in 1..=steps + 1 {
        let memory = fresh();
        memory.cut_at(memory.steps() + step);
        let acknowledged = script(&memory);
        for loss in [Loss::All, Loss::Nothing, Loss::Random(step.wrapping_mul(0x9e37_79b9))] {
            check(&memory.after_power_loss(loss), acknowledged, &format!("step {step}, {loss:?}"));
        }
    }
    steps
}

impl StorageFile for MemoryFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.state();
        state.step()?;
        let position = usize::try_from(position).unwrap();
        let error = state.write_error;
        let bytes = if error.is_some() { &bytes[..bytes.len() / 2] } else { bytes };
        let content = &mut state.inodes[self.inode].content;
        let end = position + bytes.len();
        content.resize(content.len().max(end), 0);
        content[position..end].copy_from_slice(bytes);
        error.map_or(Ok(()), |kind| Err(io::Error::new(kind, "injected")))
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.state.state();
        let content = &state.inodes[self.inode].content;
        let rest = content.get(usize::try_from(position).unwrap()..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.state.state().inodes[self.inode].content.len() as u64)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let mut state = self.state.state();
        state.step()?;
        state.inodes[self.inode].content.resize(usize::try_from(size).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.state();
        // What is written from here on is not part of this sync.
        let content = state.inodes[self.inode].content.clone();
        while state.holds_syncs {
            state = self.state.0.1.wait(state).unwrap();
        }
        state.step()?;
        state.syncs += 1;
        if state.sync_error {
            return Err(io::Error::other("injected"));
        }
        let name = self.path.to_str().unwrap();
        if !state.ignored_suffix.is_some_and(|suffix| name.ends_with(suffix)) {
            state.inodes[self.inode].synced = content;
        }
        Ok(())
    }

    fn modified_ms(&self) -> io::Result<i64> {
        Ok(0)
    }
}
