/** The time now, moved on once a second while somebody looks. */
class Clock {
  now = $state(Date.now())

  constructor() {
    setInterval(() => { if (!document.hidden) this.now = Date.now() }, 1000)
  }
}

export const clock = new Clock()
