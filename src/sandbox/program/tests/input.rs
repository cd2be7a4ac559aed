//! The input of a job, as a script sees it.

use serde_json::value::RawValue;

use super::*;

/// A job with these arguments of `main`, as JSON.
fn call(script: &str, args: &str, kwargs: &str) -> Result<Job> {
    let mut job = job(script);
    job.input.args = Some(RawValue::from_string(args.to_owned())?);
    job.input.kwargs = Some(RawValue::from_string(kwargs.to_owned())?);
    Ok(job)
}

/// Returns the line of the failure and stderr.
async fn failure(job: Job) -> Result<(String, String)> {
    let outcome = interpreter()?.run_and_clean_up(job).await;
    let failure = outcome.result.err().map(|failure| failure.to_string());
    Ok((failure.unwrap_or_default(), outcome.stderr))
}

#[tokio::test]
async fn main_gets_its_arguments_as_json_loads_reads_them() -> Result<()> {
    let script = "def main(*args, **kwargs): return [args, kwargs]";
    let args = r#"[123456789012345678901234567890,1.50,-0.0,"\ud800é",{"a":1,"a":[]},null]"#;
    let kwargs = r#"{"b":{"c":[true]},"not a name":2}"#;
    let expected = r#"[[123456789012345678901234567890, 1.5, -0.0, "\ud800\u00e9", {"a": []}, null], {"b": {"c": [true]}, "not a name": 2}]"#;
    assert_eq!(result(call(script, args, kwargs)?).await?, expected);
    let awaited = script.replace("def", "async def");
    assert_eq!(result(call(&awaited, args, kwargs)?).await?, expected);
    Ok(())
}

#[tokio::test]
async fn arguments_that_main_does_not_take_are_its_type_error() -> Result<()> {
    let script = "def main(): pass";
    let line = "TypeError: main() takes 0 positional arguments but 1 was given";
    let expected = (line.to_owned(), format!("{line}\n"));
    assert_eq!(failure(call(script, "[1]", "{}")?).await?, expected);
    let inside = "def main(n):\n    return n()\n";
    let (line, stderr) = failure(call(inside, "[1]", "{}")?).await?;
    assert_eq!(line, "TypeError: 'int' object is not callable");
    let frames = "Traceback (most recent call last):\n  File \"script.py\", line 2, in main\n    return n()\n";
    assert!(stderr.starts_with(frames), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn a_main_that_gets_no_arguments_says_how_to_pass_them() -> Result<()> {
    let job = call("def main(name): pass", "[]", "{}")?;
    let expected = "script must define a main() function that can be called without arguments, or the request must \
                    have args or kwargs: main() missing 1 required positional argument: 'name'";
    assert_eq!(failure(job).await?, (expected.to_owned(), String::new()));
    Ok(())
}

#[tokio::test]
async fn argv_and_env_are_set_before_the_script_starts() -> Result<()> {
    let mut job = job("import os, sys, time
seen = sys.argv, os.environ['GREETING'], os.getenv('TZ'), time.tzname, time.localtime(0).tm_hour, 'HOME' in os.environ
def main(): return seen");
    job.input.argv = vec!["--verbose".to_owned(), "é".to_owned()];
    let variables = [
        ("GREETING", "hello wörld"),
        ("TZ", "Asia/Tokyo"),
        ("PYTHONHASHSEED", "7"),
    ];
    job.input.env = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let expected = r#"[["script.py", "--verbose", "\u00e9"], "hello w\u00f6rld", "Asia/Tokyo", ["JST", "JST"], 9, true]"#;
    assert_eq!(result(job).await?, expected);
    Ok(())
}

#[tokio::test]
async fn many_variables_can_be_set() -> Result<()> {
    let mut job =
        job("import os\ndef main(): return sum(name.startswith('N') for name in os.environ)");
    job.input.env = (0..10_000)
        .map(|n| (format!("N{n}"), String::new()))
        .collect();
    let outcome = interpreter()?.run_and_clean_up(job).await;
    assert_eq!(
        outcome.result.map(|value| value.json.get().to_owned()),
        Ok("10000".to_owned())
    );
    assert!(
        outcome.usage.cpu < Duration::from_secs(2),
        "{:?}",
        outcome.usage
    );
    Ok(())
}

#[tokio::test]
async fn live_output_is_unbuffered() -> Result<()> {
    let mut job = job("import os, sys
def main():
    sys.stdout.write('a')
    os.write(1, b'b')
    sys.stderr.write('c')
    os.write(2, b'd')
    sys.stdout.buffer.write(b'e')
    os.write(1, b'f')
    print('g' * 1_000_000)
    return sys.stdout.name, sys.stdout.mode, sys.stdout.write_through, sys.stderr.errors");
    job.input.live = true;
    let outcome = interpreter()?.run_and_clean_up(job).await;
    let json = outcome.result.map(|value| value.json.get().to_owned());
    assert_eq!(
        json,
        Ok(r#"["<stdout>", "w", true, "backslashreplace"]"#.to_owned())
    );
    assert_eq!(outcome.stdout, format!("abef{}\n", "g".repeat(1_000_000)));
    assert_eq!(outcome.stderr, "cd");
    Ok(())
}

#[tokio::test]
async fn large_arguments_in_little_memory_are_a_lack_of_memory() -> Result<()> {
    let items = vec!["1.5"; 1_000_000].join(",");
    for room in [16_000_000, 20_000_000, 30_000_000] {
        let mut job = call(
            "def main(items): return len(items)",
            &format!("[[{items}]]"),
            "{}",
        )?;
        job.limits.memory = room;
        let outcome = interpreter()?.run_and_clean_up(job).await;
        assert!(
            matches!(outcome.result, Err(Failure::MemoryLimit(_))),
            "{outcome:?}"
        );
    }
    Ok(())
}

/// JSON of 1 MB reaches `main` in at most three times what `json.loads` takes.
#[tokio::test]
async fn arguments_cost_little_more_than_to_decode_them() -> Result<()> {
    let items = vec![r#"{"id":12345,"name":"a name","value":1.25}"#; 25_000].join(",");
    let script = "import json, time
def main(items):
    text = json.dumps(items)
    started = time.process_time()
    json.loads(text)
    return time.process_time() - started";
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let decoding: f64 = result(call(script, &format!("[[{items}]]"), "{}")?)
            .await?
            .parse()?;
        let job = call("def main(items): pass", &format!("[[{items}]]"), "{}")?;
        let outcome = interpreter()?.run_and_clean_up(job).await;
        ratios.push(outcome.usage.cpu.as_secs_f64() / decoding);
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[0] < 3.0, "{ratios:?}");
    Ok(())
}

#[tokio::test]
async fn input_belongs_to_its_own_step() -> Result<()> {
    let interpreter = interpreter()?;
    let mut program = interpreter.start(()).await?;
    let script = "import sys\ndef main(*args):\n    print(*args)\n    return [sys.argv, args]";
    let mut first = call(script, "[1]", "{}")?;
    first.input.argv.push("x".to_owned());
    first.input.live = true;
    for (job, expected) in [
        (first, r#"[["script.py", "x"], [1]]"#),
        (job(script), r#"[["script.py"], []]"#),
    ] {
        let outcome = program.step(&job).await;
        assert_eq!(
            outcome
                .result
                .map(|value| value.json.get().to_owned())
                .as_deref(),
            Ok(expected)
        );
    }
    Ok(())
}
