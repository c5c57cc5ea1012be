// The people of one test file, with the server and the browser that they share.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { Minio } from '../minio';
import { Server } from '../server';
import { launch, Person } from './person';

/** Closed after each test, and held to have seen no error in the page. */
export class Crowd {
  server!: Server;
  browser!: Browser;
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

  /** Resolves with what went wrong in the pages. */
  async leave(): Promise<string[]> {
    const errors = this.people.flatMap((p) => p.errors);
    await Promise.all(this.people.map((p) => p.close()));
    this.people = [];
    return errors;
  }
}

/** The crowd of the test file that calls this, whose server is started with args. */
export function gather(...args: string[]): Crowd {
  return gatherWith(async () => args);
}

/** Where a server keeps files. */
export type Store = 'a folder' | 'MinIO';
export const stores: Store[] = ['a folder', 'MinIO'];

/** The same, whose server keeps files in one of the stores. */
export function gatherAt(store: Store, ...args: string[]): Crowd {
  let minio: Minio | undefined;
  afterAll(async () => minio?.stop()); // last, as it is the first that is named
  return gatherWith(async () => {
    if (store === 'MinIO') minio = await Minio.start();
    return minio ? [...args, '--media', minio.place] : args;
  });
}

function gatherWith(args: () => Promise<string[]>): Crowd {
  const crowd = new Crowd();
  beforeAll(async () => {
    crowd.server = await Server.start(...(await args()));
    crowd.browser = await launch();
  });
  afterAll(async () => {
    await crowd.browser?.close();
    await crowd.server?.stop();
  });
  afterEach(async () => {
    expect(await crowd.leave()).toEqual([]);
  });
  return crowd;
}
