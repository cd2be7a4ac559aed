// Live output: events, one a line.

/** The media type of such a response. */
export const EVENTS = "application/x-ndjson";

/** Whether `response` has events. */
export function hasEvents(response) {
  return (response.headers.get("Content-Type") ?? "").startsWith(EVENTS);
}

/** Yields the lines of a response as they arrive. */
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts.filter((line) => line !== "");
  }
}

/** Returns status and body of the last event, the body as text: numbers keep all of their digits. */
export function finalResponse(line) {
  const [, status, body] = /^\{"event":"response","status":(\d+),"body":(.*)\}$/s.exec(line) ?? [];
  if (body !== undefined) return { status: Number(status), body };
  const event = JSON.parse(line);
  return { status: event.status, body: JSON.stringify(event.body) };
}
