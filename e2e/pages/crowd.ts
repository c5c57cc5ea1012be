// The people of one test, with its server; the browser is the file's.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { Minio } from '../minio';
import { Server } from '../server';
import { launch, Person } from './person';

/** Closed after each test, and held to have seen no error in the page. */
export class Crowd {
  server!: Server;
  browser!: Browser;
  /** Where files are in one. */
  minio?: Minio;
  private people: Person[] = [];
  private rooms = 100;

  async open(o?: BrowserContextOptions): Promise<Person> {
    const one = await Person.open(this.browser, this.server, o);
    this.people.push(one);
    return one;
  }

  /** A second tab of somebody's browser. */
  async beside(other: Person): Promise<Person> {
    const one = await Person.at(other.page.context(), this.server);
    this.people.push(one);
    return one;
  }

  async enter(uid: string, o?: BrowserContextOptions): Promise<Person> {
    const one = await this.open(o);
    await one.signIn(uid);
    return one;
  }

  /** A new group of alice and others, with nothing in it yet. Resolves with its name. */
  async room(...members: string[]): Promise<string> {
    const name = `Room ${++this.rooms}`;
    const { access_token: token } = await this.server.login('alice');
    await this.server.call('POST', '/groups', token, { name, members });
    return name;
  }

  /** What stands in each page, and what went wrong there. */
  seen(): Promise<string[]> {
    return Promise.all(this.people.map((p) => p.seen()));
  }

  /** Resolves with what went wrong in the pages. */
  async leave(): Promise<string[]> {
    const errors = this.people.flatMap((p) => p.errors);
    await Promise.all(this.people.map((p) => p.close()));
    this.people = [];
    return errors;
  }
}

/** The crowd of the test file that calls this. Each attempt at a test has a server of its own, started with args: it finds nothing that another left. */
export function gather(...args: string[]): Crowd {
  return gatherWith(async () => args);
}

/** Where a server keeps files. */
export type Store = 'a folder' | 'MinIO';
export const stores: Store[] = ['a folder', 'MinIO'];

/** The same, whose server keeps files in one of the stores. */
export function gatherAt(store: Store, ...args: string[]): Crowd {
  afterAll(async () => crowd.minio?.stop()); // last, as it is the first that is named
  const crowd = gatherWith(async () => {
    if (store === 'MinIO') crowd.minio = await Minio.start();
    return crowd.minio ? [...args, '--media', crowd.minio.place] : args;
  });
  return crowd;
}

function gatherWith(args: () => Promise<string[]>): Crowd {
  const crowd = new Crowd();
  let all: string[] = [];
  beforeAll(async () => {
    all = await args();
  });
  afterAll(() => crowd.browser?.close());
  beforeEach(async () => {
    if (!crowd.browser?.isConnected()) crowd.browser = await launch();
    crowd.server = await Server.start(...all);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') task.meta.seen = [...(task.meta.seen ?? []), await crowd.seen()];
    const errors = await crowd.leave();
    await crowd.server?.stop();
    expect(errors).toEqual([]);
  });
  return crowd;
}
