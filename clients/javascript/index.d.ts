/** Where the service is unless told otherwise. */
export const DEFAULT_BASE: string;

export class CounterError extends Error {
  /** HTTP status. */
  status: number;
  /** Stable code, see the reference of the local service. */
  code: string;
  /** The message in Chinese. */
  zh: string;
}

export interface Options {
  /** Where the service is; "" for a page that it serves itself. */
  base?: string;
  /** Token from an earlier `pair`. */
  token?: string | null;
  /** Another fetch, for tests. */
  fetch?: typeof fetch;
}

/** An event; what it holds beside these depends on its kind. */
export interface CounterEvent {
  id?: string;
  kind: string;
  at?: string;
  reader?: string;
  [more: string]: unknown;
}

/** By kind of event, and `any`, `status`, `reset`, `error`. */
export type Handlers = Record<string, ((event: any) => void) | undefined>;

export class CounterClient {
  constructor(options?: Options);
  base: string;
  token: string | null;
  service(): Promise<any>;
  pair(code: string, name?: string): Promise<string | null>;
  unpair(): Promise<void>;
  state(): Promise<any>;
  reveal(presence: string, fields: string[]): Promise<Record<string, string | null>>;
  capture(presence: string): Promise<any>;
  forget(presence: string): Promise<null>;
  call(method: string, path: string, body?: unknown): Promise<any>;
  listen(handlers: Handlers, lastEventId?: string | null): () => void;
}
