import { mount } from 'svelte'
import App from './App.svelte'
import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/controls.css'

const target = document.getElementById('app')
if (target) mount(App, { target })
