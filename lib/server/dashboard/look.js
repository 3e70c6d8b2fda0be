/** The style of every axis: `axisLook` of lib/report/charts/chart.ts, for the browser. */
export const axisLook = {
  axisLabel: { color: "var(--soft)", fontSize: 11 },
  axisLine: { show: true, lineStyle: { color: "var(--rule)" } },
  axisTick: { show: true, length: 4, lineStyle: { color: "var(--rule)" } },
  splitLine: { show: true, lineStyle: { color: "var(--rule)", opacity: 0.55 } },
  nameTextStyle: { color: "var(--soft)", fontSize: 11 },
};
