/** The report's plots, drawn by the server as `parley report` draws them, in a frame that may run nothing. */
export const Report = () => (
  <main class="page report">
    <h1>Report</h1>
    <iframe title="Report" sandbox="" src="/report" />
  </main>
)
