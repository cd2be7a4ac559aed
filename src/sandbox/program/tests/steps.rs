//! Steps of one program: the state that a later run finds.

use super::*;

/// Runs scripts one after another in one instance.
async fn run_all(scripts: &[&str]) -> Result<Vec<Outcome>> {
    let interpreter = interpreter()?;
    let mut program = interpreter.start(()).await?;
    let mut outcomes = Vec::new();
    for script in scripts {
        outcomes.push(program.step(&job(script)).await);
    }
    Ok(outcomes)
}

/// The result of the last of `scripts`.
async fn last_result(scripts: &[&str]) -> Result<String> {
    let last = run_all(scripts).await?.pop();
    let last = last.map(|outcome| outcome.result);
    assert!(matches!(last, Some(Ok(_))), "{last:?}");
    Ok(last
        .and_then(Result::ok)
        .map(|value| value.json.get().to_owned())
        .unwrap_or_default())
}

#[tokio::test]
async fn each_run_has_a_namespace_of_its_own() -> Result<()> {
    let first = "import __main__\nkept = 1\ndef main(): return __main__.kept";
    let second =
        "import __main__\ndef main(): return [hasattr(__main__, 'kept'), __main__.main is main]";
    assert_eq!(last_result(&[first, second]).await?, "[false, true]");
    Ok(())
}

#[tokio::test]
async fn modules_stay_as_the_last_script_left_them() -> Result<()> {
    let first =
        "import colorsys, os\ncolorsys.kept = 1\nos.environ['KEPT'] = '2'\ndef main(): pass";
    let second = "import colorsys, os\ndef main(): return [colorsys.kept, os.environ['KEPT']]";
    assert_eq!(last_result(&[first, second]).await?, r#"[1, "2"]"#);
    Ok(())
}

#[tokio::test]
async fn an_object_that_could_not_be_encoded_is_no_circular_reference_later() -> Result<()> {
    let first = "import sys\nsys.kept = [{1, 2}]\ndef main(): return sys.kept";
    let second = "import sys\ndef main():\n    sys.kept[0] = 3\n    return sys.kept";
    assert_eq!(last_result(&[first, second]).await?, "[3]");
    Ok(())
}

#[tokio::test]
async fn output_belongs_to_the_run_that_printed_it() -> Result<()> {
    let first = "import sys\nsys.stderr.write('a')\ndef main(): print('one', end='')";
    let second = "import sys\nsys.stderr.write('b')\ndef main(): print('two', end='')";
    let outcomes = run_all(&[first, second]).await?;
    let output: Vec<_> = outcomes
        .iter()
        .map(|outcome| (&*outcome.stdout, &*outcome.stderr))
        .collect();
    assert_eq!(output, [("one", "a"), ("two", "b")]);
    Ok(())
}

#[tokio::test]
async fn a_traceback_shows_the_lines_of_its_own_script() -> Result<()> {
    let first = "def main():\n    return 1 / 0\n";
    let second = "def main():\n    return {}['missing']\n";
    let outcomes = run_all(&[first, second, first]).await?;
    let lines = ["return 1 / 0", "return {}['missing']", "return 1 / 0"];
    for (outcome, line) in outcomes.iter().zip(lines) {
        assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn every_way_to_end_leaves_a_program_that_can_run_again() -> Result<()> {
    let scripts = [
        "def main(:",
        "x = 1",
        "def main(): raise SystemExit(3)",
        "def main(): return len([bytes(1 << 20) for _ in range(1000)])",
        "import atexit\natexit.register(print, 'bye')\ndef main(): return object()",
        "def main():\n    def again(): return again()\n    return again()",
        "import asyncio\nasync def main(): raise asyncio.CancelledError",
        "\u{feff}def main(): return 'mark'",
    ];
    for script in scripts {
        assert_eq!(last_result(&[script, HELLO]).await?, r#"{"answer": 42}"#);
    }
    Ok(())
}

#[tokio::test]
async fn runs_release_their_memory() -> Result<()> {
    let interpreter = interpreter()?;
    let mut program = interpreter.start(()).await?;
    let script = "data = [str(n) for n in range(50_000)]\ndef main(): return data";
    let mut sizes = Vec::new();
    for _ in 0..20 {
        let outcome = program.step(&job(script)).await;
        assert!(outcome.result.is_ok(), "{outcome:?}");
        sizes.push(program.memory().len());
    }
    assert_eq!(sizes[4], sizes[19], "{sizes:?}");
    Ok(())
}
