//! `/mnt/data`, which is another name of the working directory.

use super::*;

#[tokio::test]
async fn every_call_takes_either_name_of_the_working_directory() -> Result<()> {
    let job = job("import glob, os, pathlib, shutil
def error(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return type(error).__name__, error.errno
def main():
    os.makedirs('/mnt/data', exist_ok=True)
    os.makedirs('/mnt/data/a/b', exist_ok=True)
    with open('/mnt/data/a/one.txt', 'w') as file:
        file.write('1')
    os.rename('/mnt/data/a/one.txt', '/tmp/two.txt')
    shutil.copy('two.txt', '/mnt/data/three.txt')
    os.chdir('/mnt/data')
    directory = os.open('/mnt', os.O_RDONLY)
    return [
        os.getcwd(), sorted(os.listdir('/mnt/data')), os.listdir('/mnt'), os.listdir('/'),
        os.stat('data/two.txt', dir_fd=directory).st_size,
        os.path.samefile('/mnt/data/a', '/tmp/a'), os.path.realpath('/mnt/data/../data/a'),
        pathlib.Path('/mnt/data/three.txt').read_text(), sorted(glob.glob('/mnt/data/*.txt')),
        [entry.is_dir() for entry in os.scandir('/mnt')], os.path.exists('/mnt/other'), os.path.isdir('/mnt/data/'),
        os.stat('/mnt/data').st_ino == os.stat('.').st_ino,
        error(os.mkdir, '/mnt/data'), error(os.mkdir, '/mnt/other'), error(os.mkdir, '/mnt/other/more'),
        error(os.rmdir, '/mnt/data'), error(os.rmdir, '/mnt'), error(os.remove, '/mnt/data'),
        error(os.rename, '/mnt/data', 'x'), error(os.rename, 'two.txt', '/mnt/two.txt'),
        error(os.link, 'two.txt', '/mnt/data/link'), error(os.symlink, 'two.txt', '/mnt/data/link'),
        error(open, '/mnt/data2'), error(os.chdir, '/mnt/data/none'), os.chdir('/mnt'), os.getcwd(),
        os.listdir('data/a'),
    ]");
    let expected = r#"["/tmp", ["a", "three.txt", "two.txt"], ["data"], ["dev", "mnt", "tmp"], 1, true, "/mnt/data/a", "1", ["/mnt/data/three.txt", "/mnt/data/two.txt"], [true], false, true, true, ["FileExistsError", 17], ["PermissionError", 13], ["FileNotFoundError", 2], ["OSError", 16], ["OSError", 16], ["IsADirectoryError", 21], ["OSError", 16], ["PermissionError", 13], ["PermissionError", 1], ["PermissionError", 1], ["FileNotFoundError", 2], ["FileNotFoundError", 2], null, "/mnt", ["b"]]"#;
    assert_eq!(result(job).await?, expected);
    Ok(())
}
