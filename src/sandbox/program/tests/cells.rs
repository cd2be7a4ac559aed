//! Cells: the value of the last expression, `await`, and what is shown.

use super::*;

fn cell(script: &str) -> Job {
    let mut job = job(script);
    job.input.cell = true;
    job
}

/// Runs a cell; returns its value, its text, and the objects that it has shown, as JSON.
async fn run(script: &str) -> Result<(String, Option<String>, String)> {
    let outcome = interpreter()?.run_and_clean_up(cell(script)).await;
    let shown = outcome.display.map(|items| items.get().to_owned());
    let value = outcome.result?;
    Ok((
        value.json.get().to_owned(),
        value.text,
        shown.unwrap_or_default(),
    ))
}

#[tokio::test]
async fn the_last_expression_is_the_result() -> Result<()> {
    let cases = [
        ("", "null", None),
        ("x = 1", "null", None),
        ("x = 1\nx + 1  # comment", "2", Some("2")),
        ("None", "null", None),
        ("'doc'", "\"doc\"", Some("'doc'")),
        ("{1, 2}", "null", Some("{1, 2}")),
        ("float('nan')", "null", Some("nan")),
        ("def f(): return 1\nf()\nif True: 5", "null", None),
        (
            "from __future__ import annotations\n(1, 'é\\ud800')",
            r#"[1, "\u00e9\ud800"]"#,
            Some("(1, 'é\\ud800')"),
        ),
        ("import asyncio\nawait asyncio.sleep(0, 3)", "3", Some("3")),
        (
            "import asyncio\nasync def f(): return 4\ntask = asyncio.create_task(f())\nawait asyncio.sleep(0)\nx = 1\ntask.result()",
            "4",
            Some("4"),
        ),
        (
            "async def f(): pass\nx = f()\nx.close()\n[n async for n in (m async for m in g())] if 0 else 1",
            "1",
            Some("1"),
        ),
        (
            "import sys\nsys._getframe().f_back is None, __name__",
            r#"[true, "script"]"#,
            Some("(True, 'script')"),
        ),
    ];
    for (script, json, text) in cases {
        let expected = (json.to_owned(), text.map(str::to_owned), String::new());
        assert_eq!(run(script).await?, expected, "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn a_text_is_cut() -> Result<()> {
    for (script, length) in [
        ("'x' * 4094", 4096),
        ("'x' * 4095", 4096),
        ("'é' * 1_000_000", 4096),
        ("'\\n'*10", 22),
    ] {
        let (_, text, _) = run(script).await?;
        assert_eq!(text.map(|text| text.len()), Some(length), "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn errors_show_the_lines_of_the_cell() -> Result<()> {
    let cases = [
        (
            "x = 1\n1 / 0",
            "ZeroDivisionError: division by zero",
            "line 2, in <module>\n    1 / 0\n",
        ),
        (
            "import asyncio\nawait asyncio.sleep(0)\ndef f(): return 1 / 0\nf()",
            "ZeroDivisionError: division by zero",
            "Traceback (most recent call last):\n  File \"script.py\", line 4, in <module>\n    f()\n",
        ),
        (
            "x = (",
            "SyntaxError: '(' was never closed (script.py, line 1)",
            "  File \"script.py\", line 1\n    x = (\n",
        ),
        (
            "1\nreturn 2",
            "SyntaxError: 'return' outside function (script.py, line 2)",
            "  File \"script.py\", line 2\n    return 2\n",
        ),
        (
            "exit(3)",
            "script exited with code 3 before main() returned",
            "",
        ),
    ];
    for (script, line, traceback) in cases {
        let outcome = interpreter()?.run_and_clean_up(cell(script)).await;
        let failure = outcome.result.err().map(|failure| failure.to_string());
        assert_eq!(failure.as_deref(), Some(line));
        assert!(outcome.stderr.contains(traceback), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("_sandbox"), "{}", outcome.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn objects_are_shown_in_all_their_forms() -> Result<()> {
    let script = "class Rich:
    def _repr_html_(self): return '<b>'
    def _repr_png_(self): return b'png'
    def _repr_svg_(self): return None
    def _repr_json_(self): return {'a': [1]}
    def _repr_latex_(self): return '$x$', {'metadata': 1}
    def __repr__(self): return 'rich'
class Bundle:
    def _repr_mimebundle_(self, include, exclude): return {'text/html': '<i>', 'a/b': {'c': 1}}, {}
    def _repr_html_(self): return 'not asked for'
    def __repr__(self): return 'bundle'
class Everything:
    def __getattr__(self, name): return lambda *args, **options: name
    def __repr__(self): return 'everything'
class Itself:
    def _ipython_display_(self): display({'text/plain': 'itself'}, raw=True)
display(1, Bundle(), Everything(), Rich, Itself(), display_id='x')
Rich()";
    let shown = r#"[{"text/plain": "1"},{"text/html": "<i>", "a/b": "{\"c\": 1}", "text/plain": "bundle"},{"text/plain": "everything"},{"text/plain": "<class 'script.Rich'>"},{"text/plain": "itself"},{"text/html": "<b>", "image/png": "cG5n", "text/latex": "$x$", "application/json": "{\"a\": [1]}", "text/plain": "rich"}]"#;
    let expected = ("null".to_owned(), Some("rich".to_owned()), shown.to_owned());
    assert_eq!(run(script).await?, expected);
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_representation_is_not_fatal() -> Result<()> {
    let script = "class Text(str):
    def __str__(self): raise OSError
class Rich:
    def _repr_html_(self): raise ValueError('html')
    def _repr_svg_(self): return Text('<svg>')
    def _repr_json_(self): return {1, 2}
    def __repr__(self): raise KeyError('repr')
display(Rich())";
    let outcome = interpreter()?.run_and_clean_up(cell(script)).await;
    assert!(outcome.result.is_ok(), "{outcome:?}");
    let shown = outcome.display.map(|items| items.get().to_owned());
    let shown = shown.unwrap_or_default();
    let start = r#"[{"image/svg+xml": "<svg>", "text/plain": "<script.Rich object at "#;
    assert!(shown.starts_with(start), "{shown}");
    let stderr = outcome.stderr;
    for line in [
        "line 4, in _repr_html_",
        "ValueError: html\n",
        "TypeError: Object of type set",
        "KeyError: 'repr'\n",
    ] {
        assert!(stderr.contains(line), "{stderr}");
    }
    assert!(!stderr.contains("_sandbox"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn what_is_shown_is_bounded_and_kept_when_a_run_ends() -> Result<()> {
    let mut job = cell(
        "display(1)\nclass Endless:\n    def _repr_html_(self):\n        while True: pass\nEndless()",
    );
    job.limits.cpu = Duration::from_millis(100);
    let outcome = interpreter()?.run_and_clean_up(job).await;
    assert!(
        matches!(outcome.result, Err(Failure::CpuLimit(_))),
        "{outcome:?}"
    );
    let shown = outcome.display.map(|items| items.get().to_owned());
    assert_eq!(shown.as_deref(), Some(r#"[{"text/plain": "1"}]"#));

    let mut job = cell("for n in range(100): display('x' * 100)");
    job.limits.result = 10_000;
    let outcome = interpreter()?.run_and_clean_up(job).await;
    let stream = "display";
    let expected = Failure::OutputLimit {
        stream,
        limit: 10_000,
    };
    assert_eq!(outcome.result.err(), Some(expected));
    Ok(())
}

#[tokio::test]
async fn only_cells_and_those_who_ask_have_display() -> Result<()> {
    let interpreter = interpreter()?;
    let mut program = interpreter.start(()).await?;
    let script = "def main():\n    display('x')\n    return 1";
    let mut asking = job(script);
    asking.input.display = true;
    let outcome = program.step(&asking).await;
    let shown = outcome.display.map(|items| items.get().to_owned());
    assert_eq!(shown.as_deref(), Some(r#"[{"text/plain": "'x'"}]"#));
    let outcome = program.step(&job(script)).await;
    let expected = Failure::Exception("NameError: name 'display' is not defined".to_owned());
    assert_eq!(
        (outcome.result.err(), outcome.display.is_none()),
        (Some(expected), true)
    );
    let outcome = program.step(&cell("x = display")).await;
    assert!(
        outcome.result.is_ok() && outcome.display.is_none(),
        "{outcome:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_cell_that_replaces_what_it_uses_changes_only_its_own_view() -> Result<()> {
    let cases = [
        (
            "import builtins\nbuiltins.display = print\ndisplay(1)\n2",
            "2",
        ),
        (
            "import json\njson.dumps = json.JSONEncoder = None\n[1]",
            "[1]",
        ),
        (
            "import sys\nsys.stderr = sys.stdout = None\nclass A:\n    def _repr_html_(self): 1 / 0\nA()\n3",
            "3",
        ),
        (
            "import builtins\nbuiltins.compile = builtins.eval = builtins.repr = None\n4",
            "4",
        ),
        ("l = []\nl.append(l)\nl", "null"),
        ("x = []\nfor _ in range(500): x = [x]\nx", "null"),
    ];
    for (script, json) in cases {
        assert_eq!(run(script).await?.0, json, "{script}");
    }
    for script in [
        "-".repeat(5000) + "1",
        "(".repeat(5000),
        "[".repeat(150) + &"]".repeat(150),
    ] {
        let outcome = interpreter()?.run_and_clean_up(cell(&script)).await;
        assert!(
            !matches!(
                outcome.result,
                Err(Failure::Internal(_) | Failure::Crashed(_))
            ),
            "{outcome:?}"
        );
    }
    Ok(())
}
