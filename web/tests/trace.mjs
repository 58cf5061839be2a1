// What a piece of the page's life cost its main thread, from Chromium's own trace. CPU time, not
// time by the clock: other work on this computer does not count, nor does the drawing of pixels
// (which a graphics card does elsewhere, and software here).
const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];
const PARTS = {
  script: ['FunctionCall', 'EvaluateScript', 'TimerFire', 'FireAnimationFrame', 'EventDispatch', 'RunMicrotasks', 'XHRReadyStateChange'],
  style: ['UpdateLayoutTree', 'RecalculateStyles'],
  layout: ['Layout'],
  paint: ['PrePaint', 'Paint', 'Layerize', 'Commit', 'UpdateLayer'],
  garbage: ['MinorGC', 'MajorGC', 'V8.GCScavenger', 'BlinkGC.AtomicPhase'],
};

const round = (value) => Math.round(value * 10) / 10;

/**
 * Runs `work`, and returns what it returned with the frames it took: `total_ms` is everything that
 * the main thread did, tracing included, `page_ms` what it did for the page.
 */
export async function traced(browser, page, work) {
  await browser.startTracing(page, { categories: CATEGORIES });
  const value = await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  return { value, ...frames(traceEvents) };
}

function mainThread(events) {
  // The page's own renderer: the one whose main thread has worked most.
  const threads = events.filter((each) => each.name === 'thread_name' && each.args?.name === 'CrRendererMain');
  const work = (thread) => tasksOf(events, thread).reduce((sum, each) => sum + each.tdur, 0);
  return threads.sort((a, b) => work(b) - work(a))[0];
}

function tasksOf(events, thread) {
  return events.filter((each) => each.ph === 'X' && each.tdur && each.pid === thread.pid && each.tid === thread.tid && /RunTask$/.test(each.name));
}

function frames(events) {
  const thread = mainThread(events);
  const mine = events.filter((each) => each.pid === thread.pid && each.tid === thread.tid);
  // A frame ends when the page hands it over to be drawn.
  const starts = mine.filter((each) => each.name === 'Commit').map((each) => each.ts).sort((a, b) => a - b);
  const tasks = tasksOf(events, thread).sort((a, b) => a.ts - b.ts);
  const work = new Array(starts.length + 1).fill(0);
  let at = 0;
  for (const task of tasks) {
    while (at < starts.length && starts[at] < task.ts) at++;
    work[at] += task.tdur / 1000;
  }
  const sorted = [...work].sort((a, b) => a - b);
  const parts = {};
  let page = 0;
  for (const [part, names] of Object.entries(PARTS)) {
    const spent = topmost(mine.filter((each) => each.ph === 'X' && names.includes(each.name)));
    page += spent;
    parts[`${part}_ms`] = round(spent / Math.max(1, starts.length));
  }
  const total = tasks.reduce((sum, each) => sum + each.tdur, 0) / 1000;
  return {
    frames: starts.length, total_ms: round(total), page_ms: round(page),
    frame_work_ms: { mean: round(total / Math.max(1, starts.length)), p95: round(sorted[Math.floor(sorted.length * 0.95)]), longest: round(sorted.at(-1)) },
    longest_task_ms: round(Math.max(0, ...tasks.map((each) => each.tdur)) / 1000),
    of_a_frame: parts,
  };
}

// Events nest: what is inside another of the same part is counted once.
function topmost(list) {
  let end = 0;
  let sum = 0;
  for (const each of list.sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
    if (each.ts < end) continue;
    end = each.ts + each.dur;
    sum += (each.tdur ?? each.dur) / 1000;
  }
  return sum;
}
