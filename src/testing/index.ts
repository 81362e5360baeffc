export { type FakeClock, fakeClock } from "./fake-clock.js";
export { type FakeObserver, type FakeObserverOptions, fakeObserver } from "./fake-observer.js";
export {
  type FakeRecorder,
  type FakeRecorderOptions,
  type FakeRecording,
  fakeRecorder,
} from "./fake-recorder.js";
export { type FakeSink, type FakeSinkOptions, fakeSink } from "./fake-sink.js";
export { type FakeEventSource, fakeEventSource } from "./fake-source.js";
export { type FlowInit, flow, type TcpFlag } from "./flow.js";
export type { DnsInit, HttpInit } from "./layer-7.js";
