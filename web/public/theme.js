// Runs before the first paint, so that a chosen theme does not flash. Without a choice the system's holds.
try {
  var chosen = localStorage.getItem('ropewalk.theme')
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen
} catch (_) {
  // No storage: follow the system.
}
