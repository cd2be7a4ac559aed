//! stdin, as a script sees it.

use super::*;

#[tokio::test]
async fn stdin_is_read_without_a_scratch_directory() -> Result<()> {
    let mut job = job("import sys\ndef main(): return input(), sys.stdin.read()");
    job.stdin = Bytes::from_static(b"one\ntwo\n");
    let interpreter = interpreter()?;
    let mut program = interpreter.start(()).await?;
    let outcome = program.step(&job).await;
    let text = outcome.result.map(|value| value.json.get().to_owned());
    assert_eq!(text.as_deref(), Ok(r#"["one", "two\n"]"#));
    assert!(!program.store.data().wasi.has_directory());
    Ok(())
}

#[tokio::test]
async fn stdin_is_a_pipe_whose_other_end_is_closed() -> Result<()> {
    let mut job = job("import os, select, stat, sys
def main():
    found = [os.read(0, 4).decode(), os.read(0, 0).decode()]
    status = os.fstat(0)
    found += [stat.S_ISFIFO(status.st_mode), status.st_size, os.isatty(0)]
    poll = select.poll()
    poll.register(0, select.POLLIN)
    found += [select.select([0], [], [], 0)[0], poll.poll(0) == [(0, select.POLLIN | select.POLLHUP)]]
    try:
        os.lseek(0, 0, os.SEEK_CUR)
    except OSError as error:
        found.append(error.errno)
    open('file', 'w').close()
    found += [sys.stdin.read(2), len(sys.stdin.read()), sys.stdin.read()]
    os.close(0)
    try:
        os.read(0, 1)
    except OSError as error:
        found.append(error.errno)
    return found
");
    job.stdin = Bytes::from([b"one two".as_slice(), &[b'x'; 50_000]].concat());
    let expected = r#"["one ", "", true, 0, false, [0], true, 29, "tw", 50001, "", 9]"#;
    assert_eq!(result(job).await?, expected);
    Ok(())
}
