/** Takes the text of a `text/event-stream` in pieces and gives the data of each whole event. */
export class EventParser {
  #rest = ''
  #data: string[] = []

  push(text: string): string[] {
    const events: string[] = []
    this.#rest += text
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length) events.push(this.#data.join('\n'))
        this.#data = []
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(5).replace(/^ /, ''))
      }
    }
    return events
  }
}
