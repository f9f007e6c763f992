/** What somebody points at: shared by all charts and tables of a page, so that each marks the same run and place. */
export class Hover {
  run = $state<string>()
  /** A place on the x axis of the curves: a step, or seconds. */
  x = $state<number>()

  leave(): void {
    this.run = undefined
    this.x = undefined
  }
}
